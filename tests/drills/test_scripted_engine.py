"""The whole pipeline on a scripted engine: every row stands where it belongs, and those that fail say why."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.performance.scripted_engine import Script, outcome_of, share, write_empty_checkpoint, write_sums
from reasonflux.pairs.dataset import CARD
from reasonflux.pairs.run_stages import RECORDS
from reasonflux.protocols import Outcome
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.drills.drivers import Driver, ids_of

pytestmark = pytest.mark.slow

PROBLEMS, PLANS, OWN, OTHERS, ATTEMPTS = 40, 3, 4, 1, 2
FAILS = Script(
    unreadable=0.1,
    outcomes={Outcome.ENGINE_ERROR: 0.06, Outcome.PROMPT_TOO_LONG: 0.06, Outcome.TRUNCATED: 0.1},
    stumbles=0.06,
)


def make_config(directory: Path, name: str) -> Path:
    """40 sums in three shards, a similar problem each; a call is tried twice."""
    config = {
        "name": name,
        "problems": {
            "source": "jsonl",
            "path": str(write_sums(directory / "sums.jsonl", PROBLEMS, families=5)),
            "fields": {"family": "family"},
        },
        "similar": {"provider": "family", "count": 2},
        "navigator": {"model": str(write_empty_checkpoint(directory / "model")), "device": "cpu"},
        "reasoner": "navigator",
        "sampling": {"trajectories": PLANS, "rollouts_own": OWN, "rollouts_similar": OTHERS},
        "stream": {"shard_problems": 16, "rows_per_part": 16, "call_attempts": ATTEMPTS},
        "output": {"root": str(directory)},
    }
    path = directory / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def rows_of(directory: Path, name: str) -> dict[str, list[Any]]:
    """The records of every stage."""
    run = Run(Store.at(directory).child(name))
    rows = {}
    for stage_name, record in RECORDS.items():
        stage: Stage[Any] = run.stage(stage_name, record)
        manifest = stage.manifest()
        assert manifest is not None, f"stage {stage_name} has no manifest"
        rows[stage_name] = [row for shard in range(len(manifest.shards)) for row in stage.records(shard)]
    return rows


@pytest.fixture(scope="module")
def driven(tmp_path_factory, head) -> tuple[dict[str, Path], dict[str, dict[str, Any]]]:
    """A run in which nothing fails, one whose engine fails for some requests, and the first again: roots and outcomes.

    One driver does them, as rounds do.
    """
    roots = {name: tmp_path_factory.mktemp(name) for name in ("whole", "failing")}
    scripts = {"whole": Script(), "failing": FAILS}
    given = {name: (str(make_config(roots[name], name)), script.model_dump_json()) for name, script in scripts.items()}
    words = (word for name in ("whole", "failing", "whole") for word in given[name])
    outcomes = Driver.of("-m", "tests.drills.scripted_driver", *words).outcomes()
    return roots, dict(zip(("whole", "failing", "again"), outcomes, strict=True))


@pytest.fixture(scope="module")
def whole(driven) -> tuple[Path, dict[str, Any], dict[str, list[Any]]]:
    """The run in which nothing fails: its root, what it printed, and its rows."""
    roots, outcomes = driven
    return roots["whole"], outcomes["whole"], rows_of(roots["whole"], "whole")


def test_every_problem_draw_and_attempt_has_its_one_row(whole):
    directory, outcome, rows = whole
    ids = ids_of(str(directory), "whole")  # fails for an id that stands twice
    assert {name: len(found) for name, found in ids.items()} == outcome_rows(directory)
    assert len(rows["problems"]) == len(rows["similar"]) == PROBLEMS
    assert len(rows["draws"]) == PROBLEMS * PLANS
    assert ids["draws"] == ids["trajectories"]
    assert all(len(similar.problems) == 2 and similar.purity == 1 for similar in rows["similar"])
    distinct = {(row.problem_id, row.plan) for row in rows["trajectories"]}
    assert len(rows["rewards"]) == len(distinct) == outcome["distinct"]
    assert len(rows["attempts"]) == len(distinct) * (OWN + OTHERS)
    assert ids["attempts"] == ids["rollouts"] == ids["verdicts"]
    assert {row.verdict for row in rows["verdicts"]} == {"correct", "wrong"}
    assert outcome["failures"] == {}


def test_rewards_follow_from_the_verdicts_and_pairs_from_the_rewards(whole):
    _, outcome, rows = whole
    right: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for verdict in rows["verdicts"]:
        tried[verdict.trajectory_id] += 1
        right[verdict.trajectory_id] += verdict.verdict == "correct"
    assert {row.id: row.n for row in rows["rewards"]} == tried
    for row in rows["rewards"]:
        assert (row.reward == 0) == (right[row.id] == 0)
        assert (row.reward == 1) == (right[row.id] == tried[row.id])
    rewards = {row.id: row.reward for row in rows["rewards"]}
    assert rows["navigator_pairs"]
    assert rows["reasoner_pairs"]
    for pair in rows["navigator_pairs"]:
        assert pair.margin == pytest.approx(rewards[pair.chosen_id] - rewards[pair.rejected_id])
        assert pair.margin >= 0.25
    verdicts = {row.id: row.verdict for row in rows["verdicts"]}
    assert {(verdicts[pair.chosen_id], verdicts[pair.rejected_id]) for pair in rows["reasoner_pairs"]} == {
        ("correct", "wrong")
    }
    assert outcome["navigator_pairs"]["pairs"] == len(rows["navigator_pairs"])


def test_the_data_set_holds_the_pairs_of_the_run(whole):
    _, outcome, rows = whole
    dataset = Path(outcome["dataset"])
    assert (dataset / CARD).is_file()
    for role in ("navigator", "reasoner"):
        published = pq.read_table(sorted((dataset / role).glob("*.parquet")))
        assert sorted(published["id"].to_pylist()) == sorted(pair.id for pair in rows[f"{role}_pairs"])


def test_a_finished_run_is_only_read(driven):
    outcome, again = driven[1]["whole"], driven[1]["again"]
    assert again["execution"]["rows"] == {}
    assert not again["execution"]["engines"]
    assert again["verdicts"] == outcome["verdicts"]
    assert again["dataset"] == outcome["dataset"]


@pytest.fixture(scope="module")
def failing(driven) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The run whose engine fails for some requests: what it printed, and its rows."""
    roots, outcomes = driven
    return outcomes["failing"], rows_of(roots["failing"], "failing")


def test_a_request_that_fails_becomes_a_failed_row_with_its_reason(failing):
    _, rows = failing
    seen: Counter[str] = Counter()
    for row in rows["trajectories"] + rows["rollouts"]:
        scripted = outcome_of(row.id, FAILS.outcomes)
        seen[scripted] += 1
        if scripted in (Outcome.ENGINE_ERROR, Outcome.PROMPT_TOO_LONG):
            assert (row.status, row.failure.error, row.text) == ("failed", scripted, "")
            assert row.failure.message
        if scripted is Outcome.ENGINE_ERROR:
            assert row.usage.attempts == ATTEMPTS
    assert min(seen[outcome] for outcome in FAILS.outcomes) > 0
    assert len(rows["trajectories"]) == PROBLEMS * PLANS


def test_a_plan_that_cannot_be_read_fails_and_is_not_rolled_out(failing):
    _, rows = failing
    answered = [row for row in rows["trajectories"] if outcome_of(row.id, FAILS.outcomes) is Outcome.STOPPED]
    unreadable = {row.id for row in answered if share(row.id, "unreadable") < FAILS.unreadable}
    assert unreadable
    assert {row.id for row in answered if row.failure and row.failure.error == "unreadable_plan"} == unreadable
    failed = {row.id for row in rows["trajectories"] if row.failure}
    assert failed.isdisjoint(row.trajectory_id for row in rows["attempts"])


def test_a_truncated_rollout_is_a_verdict_and_no_failure(failing):
    _, rows = failing
    truncated = {row.id for row in rows["rollouts"] if outcome_of(row.id, FAILS.outcomes) is Outcome.TRUNCATED}
    assert truncated
    assert {row.id for row in rows["rollouts"] if row.truncated and row.status == "done"} == truncated
    assert {row.id for row in rows["verdicts"] if row.verdict == "truncated"} == truncated


def test_a_request_that_failed_once_is_done_at_the_second_call(failing):
    _, rows = failing
    stumbled = [
        row
        for row in rows["trajectories"] + rows["rollouts"]
        if share(row.id, "stumble") < FAILS.stumbles and outcome_of(row.id, FAILS.outcomes) is not Outcome.ENGINE_ERROR
    ]
    assert stumbled
    assert {row.usage.attempts for row in stumbled} == {2}


def test_the_summary_counts_what_the_rows_say(failing):
    outcome, rows = failing
    failures = [row.failure for name in ("trajectories", "rollouts") for row in rows[name] if row.failure]
    assert outcome["failures"] == dict(Counter(f"{each.stage}: {each.error}" for each in failures))
    assert outcome["verdicts"] == dict(Counter(row.verdict for row in rows["verdicts"]))
    assert outcome["verdicts"]["error"] == sum(row.failure is not None for row in rows["rollouts"])
    assert sum(row.failed for row in rows["rewards"]) == outcome["verdicts"]["error"]
    assert any("could not be done" in words for words in outcome["words"])
    assert outcome["rollouts"] == len(rows["attempts"])


def outcome_rows(directory: Path) -> dict[str, int]:
    """Rows by stage, as the run's manifest says."""
    manifest = Run(Store.at(directory).child("whole")).manifest()
    assert manifest is not None
    rows: dict[str, int] = manifest["rows"]
    return rows
