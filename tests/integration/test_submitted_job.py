"""A job that is submitted to a token-protected head: what it says of itself while it runs, and what it keeps secret."""

import json
import os
import re
import secrets
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from reasonflux.config import ProblemSource
from reasonflux.distributed.local_head import LocalHead, local_head
from reasonflux.distributed.metrics import COUNTERS, GAUGES
from reasonflux.problems.sources import read_problems
from tests.drills.drivers import ROOT, small_config

pytestmark = pytest.mark.slow

DEADLINE_S = 400.0
CANARY = f"canary-{secrets.token_hex(8)}"  # made now: the working directory, which Ray copies, holds this file
SECRETS = {
    "HF_TOKEN": f"hf_{CANARY}",
    "OPENAI_API_KEY": f"sk-{CANARY}",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}/aws",
    "WANDB_API_KEY": f"{CANARY}-wandb",
}
DASHBOARD = ROOT / "cluster" / "grafana" / "reasonflux.json"
PROBLEMS = 16


@dataclass
class Scraper:
    """Reads, again and again, every endpoint that Ray's own service discovery names for Prometheus."""

    head: LocalHead
    series: dict[str, dict[tuple[tuple[str, str], ...], float]] = field(default_factory=dict)  # greatest value
    _discovery: list[Path] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Scraper":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def total(self, name: str, **labels: str) -> float:
        """The sum over the series of a name whose labels hold `labels`."""
        return sum(value for key, value in self.series.get(name, {}).items() if labels.items() <= dict(key).items())

    def _run(self) -> None:
        while not self._ended.wait(0.5):
            for target in self._targets():
                self._scrape(target)

    def _targets(self) -> list[str]:
        """As the file names them that Prometheus would be given."""
        if not self._discovery:
            self._discovery = list(Path(self.head.directory).rglob("prom_metrics_service_discovery.json"))[:1]
        return [
            target for path in self._discovery for each in json.loads(path.read_text()) for target in each["targets"]
        ]

    def _scrape(self, target: str) -> None:
        try:
            with urllib.request.urlopen(f"http://{target}/metrics", timeout=5) as answer:
                families = list(text_string_to_metric_families(answer.read().decode()))
        except OSError:
            return
        for sample in (sample for family in families for sample in family.samples):
            key = tuple(sorted(sample.labels.items()))
            seen = self.series.setdefault(sample.name, {})
            seen[key] = max(sample.value, seen.get(key, float("-inf")))


@dataclass(frozen=True)
class Submitted:
    """A job that has ended."""

    status: int
    out: str
    run: Path
    scraped: Scraper
    files: int  # that Ray and the run wrote
    leaks: list[str]  # those that hold a secret

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
            written = dict(_files(Path(head.directory))) | dict(_files(directory)) | {"output": done.stdout.encode()}
            hidden = [secret.encode() for secret in (CANARY, os.environ["RAY_AUTH_TOKEN"])]
            leaks = [name for name, data in written.items() if any(secret in data for secret in hidden)]
        yield Submitted(done.returncode, done.stdout, directory / "submitted", scraped, len(written), leaks)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _count_a_retry(head: LocalHead) -> None:
    """No call of this run fails, so its metric is counted by hand: how it is told is the same."""
    script = (
        "import ray, time; from reasonflux.distributed import metrics; ray.init(address='auto', log_to_driver=False)\n"
        "metrics.count_stage('by_hand', 'rollouts', {'calls': {'retries': 1}}); time.sleep(4)"
    )
    environment = os.environ | {"RAY_ADDRESS": head.address, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def _files(place: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a directory, and what it holds; rows of Parquet as JSON."""
    for path in sorted(place.rglob("*")):
        if path.is_file() and not path.is_symlink():
            if path.suffix == ".parquet":
                yield str(path), json.dumps(pq.ParquetFile(path).read().to_pylist(), default=str).encode()
            else:
                yield str(path), path.read_bytes()


def test_the_job_ends_well_through_the_one_way_of_submitting(submitted: Submitted) -> None:
    assert submitted.status == 0, submitted.out[-3000:]
    assert (submitted.run / "manifest.json").exists()
    manifest = json.loads((submitted.run / "manifest.json").read_bytes())
    assert manifest["rows"]["problems"] == PROBLEMS + 1


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
    assert submitted.files > 100  # the run's, and Ray's logs
    assert submitted.leaks == []
