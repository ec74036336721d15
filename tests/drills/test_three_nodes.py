"""Three Ray nodes: one is taken away in the middle of two jobs, another comes, and every row is there once.

A job of rounds, whose first step is the main job, and a benchmark run beside it.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.cluster_utils import Cluster

from benchmarks.performance.latency_model import Lengths, Speed
from benchmarks.performance.scripted_engine import write_empty_checkpoint, write_sums
from benchmarks.performance.sleeping_engine import TimedScript
from reasonflux.distributed.runtime import SHARED
from reasonflux.evals.samples import Sample
from reasonflux.pairs.run_stages import RECORDS
from reasonflux.rounds.scores import ProblemScore
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.drills import test_rounds
from tests.drills.drivers import Driver, ids_of, sealed_ids, wait_for_parts

pytestmark = pytest.mark.slow

PROBLEMS, SAMPLES, ROLLOUTS, GATE = 32, 8, 12, 30
SCRIPT = TimedScript(  # a solution takes a second, and a few take three
    speed=Speed(step_s=0.02, sequence_s=0.0, prompt_tokens_per_s=1e6, places=16),
    plan=Lengths(median=10, sigma=0.5, most=100),
    solution=Lengths(median=50, sigma=0.8, most=150),
    right=0.5,
)
SLOW = SCRIPT.model_copy(update={"speed": SCRIPT.speed.model_copy(update={"step_s": 0.08})})
MACHINE = {"num_cpus": 4, "resources": {"engines": 8}}  # the resource says where engines may lie
ENGINE = {"device": "cpu", "max_num_seqs": 16, "cpus_per_replica": 0.1, "pool": "engines"}
STREAM = {"shard_problems": 8, "rows_per_part": 8, "clients": 2}  # one client a machine


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A head without CPUs and two machines for everything else, all of which see the same files."""
    with tempfile.TemporaryDirectory(prefix="rf-", ignore_cleanup_errors=True) as directory:  # socket paths are short
        head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": directory}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(2):
            cluster.add_node(wait=False, **MACHINE)
        cluster.wait_for_nodes(timeout=120)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        monkeypatch.setenv(SHARED, "1")
        yield cluster
        cluster.shutdown()


def benchmark(path: Path) -> dict[str, Any]:
    """Plans and solutions of some problems, several times each."""
    sampling = {"temperature": 1.0, "max_tokens": 64}
    source = {"source": "jsonl", "path": str(write_sums(path / "bench.jsonl", PROBLEMS))}
    protocol = {"samples": SAMPLES, "navigator": sampling, "reasoner": sampling}
    engine = {"model": str(write_empty_checkpoint(path / "bench-model")), **ENGINE, "replicas": 2}
    return {
        "name": "bench",
        "benchmarks": {"sums": {"problems": source, "protocol": protocol}},
        "models": {"plain": {"navigator": engine, "prompts": "plain"}},
        "methods": {"guided": {}},
        "stream": STREAM,
        "verifier": {"processes": 1},
        "output": {"root": str(path)},
    }


def one_round(path: Path) -> tuple[dict[str, Any], TimedScript]:
    """A round of the reasoner with its gate, and the script in which the candidate is better."""
    written, script = test_rounds.write_config(path)
    config = yaml.safe_load(written.read_text()) | {"schedule": ["reasoner"], "stream": STREAM}
    del config["curve"]
    config["modules"]["reasoner"]["gate"]["primary"]["problems"]["limit"] = GATE
    config["modules"]["reasoner"]["sampling"]["rollouts_own"] = ROLLOUTS
    config["navigator"] |= ENGINE
    config["reasoner"] |= ENGINE | {"replicas": 2}
    return config, SCRIPT.model_copy(update=json.loads(script))


def start(module: str, config: dict[str, Any], path: Path, script: TimedScript) -> Driver:
    file = path / f"{config['name']}-job.yaml"
    file.write_text(yaml.safe_dump(config))
    return Driver.of("-m", f"tests.drills.{module}", str(file), script.model_dump_json())


@pytest.mark.timeout(900)
def test_a_machine_that_goes_and_one_that_comes_cost_no_row(nodes: Cluster, tmp_path: Path) -> None:
    config, better = one_round(tmp_path)
    rounds = start("rounds_driver", config, tmp_path, better)
    bench = start("scripted_driver", benchmark(tmp_path), tmp_path, SLOW)
    try:
        wait_for_parts(tmp_path / "rounds/round-1/pairs", "rollouts", 2, rounds)
        wait_for_parts(tmp_path / "bench", "solutions-plain", 1, bench)
        stages = [tmp_path / stage for stage in ("rounds/round-1/pairs/stage=rollouts", "bench/stage=solutions-plain")]
        assert not all((stage / "manifest.json").exists() for stage in stages), "no job is in the middle of its stage"
        nodes.remove_node(next(iter(nodes.worker_nodes)), allow_graceful=False)
        nodes.add_node(wait=False, **MACHINE)
        scores = ended(bench)["scores"]
        (record,) = ended(rounds)["records"]
    finally:
        for driver in (rounds, bench):
            driver.process.kill()

    ids = ids_of(str(tmp_path / "rounds/round-1"), "pairs")  # fails for an id that stands twice
    assert len(ids["trajectories"]) == test_rounds.PROBLEMS * 2
    assert ids["attempts"] == ids["rollouts"] == ids["verdicts"]
    summary = (Run(Store.at(tmp_path / "rounds/round-1/pairs")).manifest() or {})["summary"]
    assert summary["failures"] == {}
    assert len(ids["rollouts"]) == summary["distinct"] * ROLLOUTS

    samples = sealed_ids(Run(Store.at(tmp_path / "bench")).stage("samples-plain", Sample))
    assert len(samples) == sum(scores[0]["verdicts"].values()) == SAMPLES * PROBLEMS

    assert record["promoted"], record["reason"]
    for who in ("parent", "candidate"):
        gate = Run(Store.at(tmp_path / f"rounds/round-1/gate-primary-{who}"))
        assert len(sealed_ids(gate.stage("scores", ProblemScore))) == GATE
        assert len(sealed_ids(gate.stage("rollouts", RECORDS["rollouts"]))) == GATE * 2


def ended(driver: Driver) -> dict[str, Any]:
    """What a driver printed at its end; fails unless all is well."""
    status, outcome, err = driver.finish(300)
    assert status == 0, err[-3000:]
    return outcome
