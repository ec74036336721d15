"""A job that is submitted to a token-protected head: what it says of itself while it runs, and what it keeps secret."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reasonflux.checkpoints import checkpoint_digest
from reasonflux.config import ProblemSource
from reasonflux.distributed.local_head import LocalHead, local_head
from reasonflux.distributed.metrics import COUNTERS, GAUGES
from reasonflux.problems.sources import read_problems
from tests.drills.drivers import ROOT, small_config
from tests.scraper import Scraper
from tests.written import CANARY, SECRETS, leaks, written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # the first test waits for all jobs

DEADLINE_S = 400.0
DASHBOARD = ROOT / "cluster" / "grafana" / "reasonflux.json"
PROBLEMS = 16


@dataclass(frozen=True)
class Submitted:
    """A job that has ended."""

    status: int
    out: str
    run: Path
    scraped: Scraper
    files: set[str]  # that Ray and the run wrote
    leaks: list[str]  # those that hold a secret
    others: dict[str, dict[str, Any]]  # what other jobs told, by name

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines() if line.startswith('{"time"')]

    @property
    def summary(self) -> dict[str, Any]:
        lines = [line for line in self.out.splitlines() if line.startswith('{"')]
        (line,) = [line for line in lines if not line.startswith('{"time"')]
        summary: dict[str, Any] = json.loads(line)
        return summary


def write_problems(path: Path) -> None:
    """The testbed's, and one that no context holds."""
    rows = [
        asdict(problem)
        for problem in read_problems(ProblemSource(source="testbed", split="training", count=PROBLEMS), 0)
    ]
    rows = [{key: row[key] for key in ("text", "gold", "family")} for row in rows]
    rows.append(rows[0] | {"family": "of its own", "text": "How many words are these? " + "one more " * 2000})
    path.write_text("\n".join(map(json.dumps, rows)))


def job_files(directory: Path, dashboard: str) -> tuple[Path, Path]:
    """The job's config, and the description of its cluster."""
    write_problems(directory / "set.jsonl")
    fields = {"text": "text", "gold": "gold", "family": "family"}
    problems = {"source": "jsonl", "path": str(directory / "set.jsonl"), "fields": fields}
    config = small_config(directory / "job.yaml", str(directory), "submitted")
    given = yaml.safe_load(config.read_text()) | {"problems": problems}
    config.write_text(yaml.safe_dump(given))
    node = {"kind": "this one", "count": 1, "cpus": 8, "memory_gib": 8, "dollars_per_hour": 36}
    cluster = directory / "here.yaml"
    cluster.write_text(yaml.safe_dump({"name": "here", "dashboard": dashboard, "nodes": [node]}))
    return config, cluster


@pytest.fixture(scope="module")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitted]:
    """`reasonflux submit generate_pairs --cluster …`, scraped until it ends; secrets stand in every environment."""
    directory = tmp_path_factory.mktemp("submitted")
    before = dict(os.environ)
    os.environ.update(SECRETS, RAY_metrics_report_interval_ms="1000")
    try:
        with local_head() as head:
            config, cluster = job_files(directory, head.dashboard)
            command = [sys.executable, "-m", "reasonflux", "submit", "generate_pairs", "--cluster", str(cluster)]
            variables = {"REASONFLUX_LOG_FORMAT": "json", "REASONFLUX_METRICS_LINGER_S": "4", "PYTHONPATH": str(ROOT)}
            with Scraper(head) as scraped:
                done = subprocess.run(
                    [*command, "--config", str(config), "--json"],
                    cwd=directory,
                    env=os.environ | variables,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=DEADLINE_S,
                )
                _count_a_retry(head)
            with ThreadPoolExecutor() as pool:
                given = {name: pool.submit(_submitted, cluster, *job) for name, job in other_jobs(directory).items()}
                others = {name: job.result() for name, job in given.items()}
            files = {**dict(written(Path(head.directory), directory)), "output": done.stdout.encode()}
            found = leaks(files.items(), CANARY, os.environ["RAY_AUTH_TOKEN"])
        yield Submitted(done.returncode, done.stdout, directory / "submitted", scraped, set(files), found, others)
    finally:
        os.environ.clear()
        os.environ.update(before)


def other_jobs(directory: Path) -> dict[str, tuple[str, ...]]:
    """Job, config and options by name: a benchmark run, a training on the run's pairs, and what the others would do."""
    engine = {"device": "cpu", "dtype": "float32", "max_model_len": 512, "max_num_seqs": 128, "kv_cache_gib": 1}
    sampling = {"temperature": 0, "max_tokens": 96}
    problems = {"source": "testbed", "split": "tuning", "count": PROBLEMS}
    suite = {
        "name": "benchmark",
        "benchmarks": {
            "sums": {"problems": problems, "protocol": {"navigator": sampling, "reasoner": sampling}},
        },
        "models": {"testbed": {"navigator": engine | {"model": "testbed:reasoner"}, "prompts": "plain"}},
        "methods": {"direct": {}},
        "output": {"root": str(directory)},
    }
    fields = {"text": "text", "gold": "gold", "solution": "gold"}
    library = {
        "name": "library",
        "problems": {"source": "jsonl", "path": str(directory / "set.jsonl"), "fields": fields},
        "proposer": engine | {"model": "testbed:reasoner"},
        "sampling": sampling,
        "output": {"root": str(directory / "planned")},
    }
    for name, config in (("suite", suite), ("library", library)):
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(config))
    (pairs,) = (directory / "submitted" / "dataset").iterdir()
    trained = (f"data={pairs}", f"output_root={directory}", "name=training", "epochs=1", "per_device_batch=4")
    elsewhere, plan = ("--set", f"output.root={directory / 'planned'}"), "--plan"
    return {
        "benchmark": ("run_benchmark", str(directory / "suite.yaml")),
        "training": (
            "train",
            "jobs/configs/train/testbed_navigator_dpo.yaml",
            *(word for value in trained for word in ("--set", value)),
        ),
        "rounds": ("run_rounds", "jobs/configs/rounds/testbed.yaml", *elsewhere, plan),
        "study": ("run_study", "benchmarks/studies/testbed_table2.yaml", *elsewhere, plan),
        "library": ("build_library", str(directory / "library.yaml"), plan),
        "deployment": ("deploy", "cluster/serve/testbed.yaml", plan),
    }


def _submitted(cluster: Path, job: str, config: str, *options: str) -> dict[str, Any]:
    """What a job tells, submitted as the documentation has it; fails unless it ends well."""
    command = [sys.executable, "-m", "reasonflux", "submit", job, "--cluster", str(cluster)]
    done = subprocess.run(
        [*command, "--config", config, "--json", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith('{"')]
    told: dict[str, Any] = json.loads(line)
    return told


def _count_a_retry(head: LocalHead) -> None:
    """No call of this run fails, so its metric is counted by hand: how it is told is the same."""
    script = (
        "import ray, time; from reasonflux.distributed import metrics; ray.init(address='auto', log_to_driver=False)\n"
        "metrics.count_stage('by_hand', 'rollouts', {'calls': {'retries': 1}}); time.sleep(4)"
    )
    environment = os.environ | {"RAY_ADDRESS": head.address, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def test_the_job_ends_well_through_the_one_way_of_submitting(submitted: Submitted) -> None:
    assert submitted.status == 0, submitted.out[-3000:]
    assert (submitted.run / "manifest.json").exists()
    manifest = json.loads((submitted.run / "manifest.json").read_bytes())
    assert manifest["rows"]["problems"] == PROBLEMS + 1


def test_every_job_is_submitted_the_same_way(submitted: Submitted) -> None:
    directory, others = submitted.run.parent, submitted.others
    results = json.loads((directory / "benchmark" / "results.json").read_bytes())
    assert others["benchmark"] == results and len(results["scores"]) == 1
    trained = others["training"]
    assert trained["steps_done"] == trained["steps_expected"] > 0 and checkpoint_digest(trained["path"])
    for file in (directory / "benchmark" / "results.json", Path(trained["path"]) / "manifest.json"):
        assert str(file) in submitted.files, "so that secrets are looked for in what it wrote"
    assert "round 4 (reasoner), training" in {part["part"] for part in others["rounds"]["parts"]}
    for planned in ("study", "library"):
        assert others[planned]["stages"][-1]["prompt_tokens"] > 0, planned
    assert others["deployment"]["engines"].keys() == others["deployment"]["urls"].keys() - {"reasonflux"}
    assert not (directory / "planned").exists()


def test_prometheus_sees_every_metric_with_the_runs_own_numbers(submitted: Submitted) -> None:
    scraped, summary = submitted.scraped, submitted.summary
    names = {f"ray_{name}_total" for name in COUNTERS} | {f"ray_{name}" for name in GAUGES}
    assert names <= scraped.series.keys(), names - scraped.series.keys()
    assert scraped.total("ray_reasonflux_rows_total", stage="problems", run="submitted") == PROBLEMS + 1
    assert scraped.total("ray_reasonflux_rows_total", stage="rollouts", run="submitted") == summary["rollouts"]
    for verdict, count in summary["verdicts"].items():
        assert scraped.total("ray_reasonflux_verdicts_total", verdict=verdict) == count
    assert scraped.total("ray_reasonflux_tokens_total", kind="output") == summary["output_tokens"]
    assert scraped.total("ray_reasonflux_pairs_total", role="navigator") == summary["navigator_pairs"]["pairs"]
    assert scraped.total("ray_reasonflux_failures_total", reason="prompt_too_long", stage="trajectories") == 4
    assert 0 < scraped.total("ray_reasonflux_cost_dollars", run="submitted") < 36 * DEADLINE_S / 3600
    assert max(scraped.series["ray_reasonflux_engine_busy"].values()) > 0


def test_every_query_of_the_dashboard_names_a_metric_that_was_seen(submitted: Submitted) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(queries) >= len(COUNTERS)
    for query in queries:
        named = set(re.findall(r"\bray_\w+", query))
        assert named, query
        assert named <= submitted.scraped.series.keys(), f"{query}: nobody has seen {named}"


def test_events_are_json_lines_with_the_ids_of_run_and_job(submitted: Submitted) -> None:
    events = submitted.events
    stages = [event for event in events if event.get("stage")]
    assert {event["stage"] for event in stages} == {"trajectories", "rollouts", "verdicts"}
    for event in stages:
        assert (event["run"], bool(event["job"]), event["level"]) == ("submitted", True, "INFO")
        assert {"time", "logger", "event", "state", "rows", "failed"} <= event.keys()


def test_status_tells_a_finished_run_and_its_failures(submitted: Submitted) -> None:
    command = [sys.executable, "-m", "reasonflux", "status", str(submitted.run), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["finished"] and status["last"]["state"] == "done"
    assert status["failures"]["trajectories: prompt_too_long"] == 4
    assert {stage["name"]: stage["done"] for stage in status["stages"]}["rollouts"] == submitted.summary["rollouts"]


def test_no_secret_of_the_environment_is_written_anywhere(submitted: Submitted) -> None:
    """In the run's rows, manifests, events, data set and report, in what it printed, and in all of Ray's own files."""
    assert len(submitted.files) > 100
    for name in ("config.yaml", "manifest.json", "metrics.json", "report.html"):
        assert str(submitted.run / name) in submitted.files
    for kind in ("dataset/*/README.md", "stage=*/shard=*/part-*.parquet", "lease/*"):
        assert set(map(str, submitted.run.glob(kind))) & submitted.files, kind
    assert submitted.leaks == []
