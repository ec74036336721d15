"""Samples as lm-evaluation-harness logs them (`--log_samples`): one JSON line a problem, all its samples in it.

results/lm_eval/MODEL/samples_TASK_DATE.jsonl       TASK is BENCHMARK_METHOD
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from reasonflux.evals.metrics import by_problem, correct
from reasonflux.evals.samples import Sample

METRIC = "exact_match"
FILTER = "grader"


def file_name(benchmark: str, method: str, started: str) -> str:
    """As the harness names it."""
    return f"samples_{benchmark}_{method}_{started.replace(':', '-').partition('+')[0]}.jsonl"


def sample_lines(samples: Sequence[Sample]) -> bytes:
    """The lines of one (benchmark, model, method), problems in the order of their ids."""
    problems = by_problem(samples).values()
    lines = [json.dumps(_line(number, own), ensure_ascii=False) for number, own in enumerate(problems)]
    return "".join(f"{line}\n" for line in lines).encode()


def _line(number: int, own: Sequence[Sample]) -> dict[str, Any]:
    first = own[0]
    doc = {"id": first.problem_id, "problem": first.question, "answer": first.gold, "level": first.level}
    prompt = json.dumps([vars(message) for message in first.prompt], ensure_ascii=False)
    score = sum(map(correct, own)) / len(own)
    return {
        "doc_id": number,
        "doc": doc,
        "target": first.gold,
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {}}},
        "resps": [[sample.output for sample in own]],
        "filtered_resps": [sample.answer for sample in own],
        "filter": FILTER,
        "metrics": [METRIC],
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(prompt),
        "target_hash": _hash(first.gold),
        METRIC: score,
        "verdicts": [sample.verdict for sample in own],
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
