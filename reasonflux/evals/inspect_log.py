"""Samples as inspect_ai logs them: an `.eval` file, which `inspect view` opens and `read_eval_log` reads.

A zip of JSON, version 2 of the format: `header.json`, `summaries.json`, `samples/ID_epoch_N.json`; samples are epochs.
Written here and not by inspect_ai, whose pins (fsspec, s3fs) are not this project's; a test reads it back with it.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from reasonflux.evals.metrics import Score
from reasonflux.evals.samples import ROLES, Sample
from reasonflux.identity import digest
from reasonflux.records import Exchange, Verdict

VERSION = 2
VALUES = {Verdict.CORRECT: "C", Verdict.UNPARSED: "N", Verdict.TRUNCATED: "N"}  # inspect's letters; all else is I
STOPS = {"stopped": "stop", "truncated": "max_tokens"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # of the zip's entries, so that equal logs are equal bytes


def eval_log(samples: Sequence[Sample], score: Score, facts: Mapping[str, Any], started: str) -> bytes:
    """The log of one (benchmark, model, method); `facts` are the benchmark's, `started` is when the run began."""
    plain = [_sample(sample) for sample in samples]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for sample in plain:
            _add(archive, f"samples/{_safe(sample['id'])}_epoch_{sample['epoch']}.json", sample)
        _add(archive, "summaries.json", [_summary(sample) for sample in plain])
        _add(archive, "header.json", _header(samples, score, facts, started))
    return buffer.getvalue()


def _header(samples: Sequence[Sample], score: Score, facts: Mapping[str, Any], started: str) -> dict[str, Any]:
    first = samples[0]
    key = digest("inspect", started, score.benchmark, score.model, score.method)
    metrics = {"accuracy": score.pass_at_1.mean, "low": score.pass_at_1.low, "high": score.pass_at_1.high}
    ids = list(dict.fromkeys(_safe(sample.problem_id) for sample in samples))
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": key,
            "run_id": key,
            "created": started,
            "task": score.benchmark,
            "task_id": key,
            "task_attribs": {},
            "task_args": {"method": score.method, "protocol": facts.get("protocol"), "sampling": facts["sampling"]},
            "solver": score.method,
            "dataset": {
                "name": facts["title"],
                "samples": len(ids),
                "sample_ids": ids,
                "shuffled": False,
            },
            "model": score.model,
            "config": {"epochs": score.samples, "log_samples": True},
            "metadata": {
                "problems_digest": facts["digest"],
                **{name: getattr(first, name) for name in ("navigator", "reasoner", "prompts", "library")},
            },
        },
        "plan": {"name": "plan", "steps": [{"solver": score.method, "params": {}}], "config": {}},
        "results": {
            "total_samples": len(samples),
            "completed_samples": len(samples) - score.failed,
            "scores": [
                {
                    "name": first.grader,
                    "scorer": first.grader,
                    "params": {},
                    "metrics": {name: {"name": name, "value": value} for name, value in metrics.items()},
                }
            ],
        },
        "stats": {"started_at": started, "completed_at": started, "model_usage": _usage(score.model, samples)},
    }


def _sample(sample: Sample) -> dict[str, Any]:
    exchanges = sample.solution.exchanges
    conversation = [message for exchange in exchanges for message in _messages(exchange)]
    stop = next((STOPS.get(one.outcome, "unknown") for one in reversed(exchanges) if one.text == sample.output), "stop")
    reply = {"role": "assistant", "content": sample.output, "source": "generate"}
    failure = sample.failure
    return {
        "id": _safe(sample.problem_id),
        "epoch": sample.index + 1,
        "input": sample.question,
        "target": sample.gold,
        "messages": conversation,
        "output": {"model": sample.model, "choices": [{"message": reply, "stop_reason": stop}]},
        "scores": {
            sample.grader: {
                "value": VALUES.get(Verdict(sample.verdict), "I"),
                "answer": sample.answer,
                "explanation": sample.verdict + (f": {sample.message}" if sample.message else ""),
            }
        },
        "metadata": {
            "id": sample.id,
            "verdict": sample.verdict,
            "method": sample.method,
            "steps": [step.name for step in sample.solution.steps],
            "decisions": [vars(decision) for decision in sample.solution.decisions],
            "retrieved": list(sample.solution.retrieved),
            "level": sample.level,
            "seed": sample.seed,
            "judgement": sample.judgement,
            "failure": vars(failure) if failure else None,
        },
        "store": {},
        "events": [],
        "model_usage": _usage(sample.model, [sample]),
        "total_time": sample.seconds,
        "uuid": sample.id,
        "attachments": {},
    }


def _messages(exchange: Exchange) -> list[dict[str, Any]]:
    """One exchange as messages; the role and the prompt's name stand before what was asked."""
    asked = [{"role": message.role, "content": message.content} for message in exchange.prompt]
    if asked and asked[0]["role"] == "user":
        asked[0]["content"] = f"[{exchange.role}: {exchange.purpose}]\n{asked[0]['content']}"
    return [*asked, {"role": "assistant", "content": exchange.text or exchange.message, "source": "generate"}]


def _summary(sample: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("id", "epoch", "input", "target", "scores", "model_usage", "total_time", "uuid")
    metadata = {key: sample["metadata"][key] for key in ("verdict", "method", "level")}
    count = len(sample["messages"])
    return {key: sample[key] for key in kept} | {"metadata": metadata, "completed": True, "message_count": count}


def _usage(model: str, samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Tokens of all roles together, as inspect counts them: cached prompt tokens apart from the others."""
    prompt, output, cached = (
        sum(getattr(sample, f"{role}_{kind}_tokens") for sample in samples for role in ROLES)
        for kind in ("prompt", "output", "cached")
    )
    return {
        model: {
            "input_tokens": prompt - cached,
            "output_tokens": output,
            "total_tokens": prompt + output,
            "input_tokens_cache_read": cached,
        }
    }


def _safe(problem_id: str) -> str:
    """An id that may stand in a file's name inside the zip."""
    return problem_id.replace("/", "~")


def _add(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    entry = zipfile.ZipInfo(name, date_time=EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, json.dumps(content, ensure_ascii=False))
