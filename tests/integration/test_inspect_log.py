"""inspect_ai itself reads the logs: in an environment of its own, since its pins are not this project's."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from reasonflux.distributed import benchmarking
from tests.clients import installed
from tests.unit.evals.runs import Inside, run_suite, suite

READ = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

log = read_eval_log(sys.argv[1])
sample = next(one for one in log.samples if one.target == "3" and one.epoch == 2)
print(json.dumps({
    "status": log.status, "task": log.eval.task, "model": log.eval.model, "epochs": log.eval.config.epochs,
    "problems": log.eval.dataset.samples, "accuracy": log.results.scores[0].metrics["accuracy"].value,
    "samples": len(log.samples), "summaries": len(read_eval_log_sample_summaries(sys.argv[1])),
    "value": sample.scores["math"].value, "said": sample.output.completion,
    "messages": len(sample.messages), "verdicts": sorted({one.metadata["verdict"] for one in log.samples}),
    "tokens": sample.model_usage["tiny"].output_tokens,
}))
"""


@pytest.mark.slow
def test_inspect_ai_reads_the_eval_log_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = installed("inspect") / "python"
    monkeypatch.setattr(benchmarking, "Verifier", Inside)
    bound, _, results = asyncio.run(run_suite(suite(tmp_path)))
    log = tmp_path / "runs" / bound.config.name / "results" / "inspect" / "sums_best_of_3_tiny.eval"
    done = subprocess.run(
        [str(python), "-c", READ, str(log)], capture_output=True, text=True, check=False, timeout=120, env={}
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    (score,) = [one for one in results.scores if (one.benchmark, one.method) == ("sums", "best_of_3")]
    assert (read["status"], read["task"], read["model"], read["epochs"]) == ("success", "sums", "tiny", 2)
    assert (read["problems"], read["samples"], read["summaries"]) == (5, 10, 10)
    assert read["accuracy"] == score.pass_at_1.mean
    assert (read["value"], read["said"], read["messages"]) == ("C", r"It is \boxed{3}.", 6)
    assert read["verdicts"] == sorted(name for name, count in score.verdicts.items() if count)
    assert read["tokens"] == 9
