"""Runs of every kind as parts of a report: what is in their directories is what is shown."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from reasonflux.distributed import benchmarking
from reasonflux.errors import BadInput
from reasonflux.evals.exhibits import Exhibits, Plot, Point, Series, Table
from reasonflux.evals.report.parts import RunPart, spread
from reasonflux.evals.report.reading import read_runs
from reasonflux.evals.report.writing import leave_report, report
from reasonflux.evals.results import Results
from reasonflux.records import Rollout
from reasonflux.rounds.record import RECORD
from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.unit.evals.runs import Inside, run_suite, suite
from tests.unit.rounds.small_run import SmallRun, make_run
from tests.unit.rounds.test_record import BETTER, STOPPED, point


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_run(tmp_path_factory.mktemp("pairs"))


@pytest.fixture
def grading_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarking, "Verifier", Inside)


@pytest.fixture
def rounds(tmp_path: Path) -> Store:
    """Two rounds: one promoted, one without a candidate."""
    store = Store(str(tmp_path / "rounds"))
    store.put("config.yaml", b"name: rounds\nseed: 3\nschedule: [navigator, navigator]\nmodules: {}\n")
    for record in (BETTER, STOPPED):
        store.put(f"round-{record.number}/{RECORD}", record.to_bytes())
    given = point(0, 0.9, scoring="right_plans", plans="right")
    curve = [asdict(one) for one in (point(0, 0.4), given, point(1, 0.6), point(2, 0.6))]
    store.put("manifest.json", json.dumps({"curve": curve, "finished": "2026-11-21"}).encode())
    return store


def only(places: list[str]) -> RunPart:
    (part,) = read_runs(places)
    return part


def test_a_pairs_run_shows_each_problem_with_plans_by_reward_and_all_their_rollouts(small: SmallRun) -> None:
    part = only([small.run.store.uri])
    assert (part.title, part.problems, len(part.items)) == ("small", 6, 6)
    rollouts = {row.id: row for shard in range(3) for row in small.run.stage("rollouts", Rollout).records(shard)}
    turns = {turn.id: turn for item in part.items for course in item.courses for turn in course.turns}
    assert turns.keys() == rollouts.keys()
    assert all(turn.text == rollouts[id_].text for id_, turn in turns.items())
    for item in part.items:
        rewards = [float(dict(course.facts)["reward"].split()[0]) for course in item.courses]
        assert rewards == sorted(rewards, reverse=True)
        assert sum(item.verdicts.values()) == sum(len(course.turns) for course in item.courses)
    assert {"Rewards", "Template credit"} <= {section.title for section in part.sections}
    named = {step.template for item in part.items for course in item.courses for step in course.steps} - {""}
    assert named == {template.id for template in part.templates}


@pytest.mark.usefixtures("grading_inside")
async def test_a_benchmark_run_shows_its_scores_and_a_few_solutions_of_every_kind(tmp_path: Path) -> None:
    bound, _, results = await run_suite(suite(tmp_path))
    part = only([bound.run.store.uri])
    scores, verdicts, costs = part.sections[0].tables
    assert [row[:5] for row in scores.rows] == [
        (one.benchmark, one.model, one.method, one.problems, one.samples) for one in results.scores
    ]
    assert [sum(int(cell or 0) for cell in row[3:9]) for row in verdicts.rows] == [10, 10, 1, 1]
    assert costs.rows[1][:6] == ("sums", "tiny", "best_of_3", 0, costs.rows[1][4], 0) and costs.rows[1][6] == 3
    assert [item.id for item in part.items if item.problem_set == "sums"] == [f"sums/sum/{n}" for n in range(5)]
    even = next(item for item in part.items if item.id == "sums/sum/2")
    assert even.verdicts == {"correct": 4}
    assert [course.title for course in even.courses] == [
        f"{method}, sample {sample}" for method in ("direct", "best_of_3") for sample in (1, 2)
    ]
    assert len(even.courses[-1].turns) == 3 and even.courses[-1].turns[0].text == r"It is \boxed{3}."
    assert "contamination" not in {table.id for table in part.tables}, "nothing is known of what was trained on"


@pytest.mark.usefixtures("grading_inside")
async def test_a_benchmark_run_counts_its_failures_by_reason(tmp_path: Path) -> None:
    config = suite(tmp_path, methods={"direct": {}, "known": {"method": "templated"}})
    bound, _, _ = await run_suite(config)
    (table,) = [table for table in only([bound.run.store.uri]).tables if table.id == "failures"]
    assert table.rows == (
        ("first", "tiny", "known", "plan", "no_template", 1),
        ("sums", "tiny", "known", "plan", "no_template", 10),
    )


@pytest.mark.usefixtures("grading_inside")
async def test_merged_runs_say_what_of_a_benchmark_was_trained_on(tmp_path: Path, small: SmallRun) -> None:
    problems = {"source": "testbed", "split": "training", "count": 6}
    sampling = {"samples": 1, "navigator": {}, "reasoner": {}}
    benchmarks = {"same": {"problems": problems, "protocol": sampling}}
    config = suite(tmp_path, benchmarks=benchmarks, methods={"direct": {}})
    await run_without_answers(config)
    both = read_runs([small.run.store.uri, str(tmp_path / "runs" / "small")])
    (table,) = [table for table in both[1].tables if table.id == "contamination"]
    assert table.rows[0][:5] == ("problems of small", 6, "same", 6, 6)
    assert [part.title for part in both] == ["small", "small (2)"]
    ids = [item.id for part in both for item in part.items]
    assert len(ids) == len(set(ids)) == 12


@pytest.mark.usefixtures("grading_inside")
async def test_two_merged_benchmark_runs_are_compared(tmp_path: Path) -> None:
    for name, n in (("a", 1), ("b", 3)):
        methods = {"best": {"method": "best_of_n", "n": n}}
        await run_suite(suite(tmp_path, name=name, methods=methods))
    first, second = read_runs([str(tmp_path / "runs" / name) for name in "ab"])
    (table,) = [table for table in second.tables if table.id == "comparison"]
    assert [row[:4] for row in table.rows] == [
        ("sums", "best, tiny", "best, tiny", 5),
        ("first", "best, tiny", "best, tiny", 1),
    ]
    assert "comparison" not in {table.id for table in first.tables}


async def run_without_answers(config: object) -> Results:
    """The models' answers do not matter here."""
    from tests.unit.evals import runs

    before, runs.reply = runs.reply, lambda request: "none"
    try:
        return (await run_suite(config))[2]  # type: ignore[arg-type]
    finally:
        runs.reply = before


def test_rounds_show_what_stands_the_gate_and_the_curve(rounds: Store) -> None:
    part = only([rounds.uri])
    table, curve = part.tables
    assert [row[0] for row in table.rows] == [1, 2]
    assert [row[-2] for row in table.rows] == ["promoted", "kept: it [collapsed]"]
    assert len(curve.rows) == 4
    graph, plot = [drawing for section in part.sections for drawing in section.drawings]
    assert graph.svg.count("<circle") == 2 and "no candidate" in graph.svg
    assert plot.legend == (("s0", "greedy"), ("s1 ceiling", "right plans (ceiling)"))
    assert ("0.400 → 0.600", "greedy, trained: mean reward, first and last") in part.tiles


def test_a_study_shows_its_exhibits(tmp_path: Path) -> None:
    series = Series(name="guided", points=(Point(x=1.0, y=0.5, low=0.4, high=0.6), Point(x=2.0, y=0.7)))
    plot = Plot(id="cost", title="Cost", caption="of 12", x="tokens", y="accuracy", series=(series,))
    table = Table(id="t", title="T", caption="c", columns=("a", "b"), rows=(("x", 1.0), ("y", None)))
    shown = Exhibits(title="A study", tables=(table,), plots=(plot,))
    (tmp_path / "study.json").write_text(json.dumps(shown.to_json()))
    part = only([str(tmp_path)])
    assert (part.title, part.tables) == ("A study", (table,))
    assert [drawing.title for section in part.sections for drawing in section.drawings] == ["Cost"]
    html = report([str(tmp_path)]).decode()
    assert "<td>x</td>" in html and 'class="number">–</td>' in html
    (tmp_path / "study.json").write_text('{"title": "broken"}')
    with pytest.raises(BadInput, match="is no study"):
        only([str(tmp_path)])


@pytest.mark.usefixtures("grading_inside")
async def test_a_study_comes_with_the_runs_that_it_stands_on(tmp_path: Path, rounds: Store) -> None:
    bound, _, _ = await run_suite(suite(tmp_path))
    study = tmp_path / "study"
    study.mkdir()
    (study / "study.json").write_text(json.dumps(Exhibits(title="A study").to_json()))
    (study / "config.yaml").write_text(f"name: study\nrounds: {rounds.uri}\n")
    gone = str(tmp_path / "gone")
    made_of = {"main": {"run": bound.run.store.uri}, "gone": {"run": gone}}
    (study / "manifest.json").write_text(json.dumps({"name": "study", "runs": made_of}))
    assert [part.kind for part in read_runs([str(study)])] == ["study", "benchmarks", "rounds"]
    other = tmp_path / "other"
    shutil.copytree(study, other)
    parts = read_runs([str(study), str(other)])
    assert [part.kind for part in parts] == ["study", "study", "benchmarks", "rounds"], "what they share stands once"
    leave_report(str(study))
    assert all(store.exists("report.html") for store in (Store.at(study), bound.run.store, rounds))


def test_a_training_shows_what_its_manifests_say(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: dpo\nrole: navigator\nschedule: cosine\n")
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "manifest.json").write_text('{"digest": "a1", "metrics": {"loss": 0.5}, "rows": [1]}')
    part = only([str(tmp_path)])
    assert (part.title, part.kind) == ("dpo", "training")
    assert part.facts == (("digest", "a1"),)
    assert [table.rows for table in part.tables] == [(("loss", 0.5),)]


def test_what_is_no_run_or_not_finished_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no run directory"):
        read_runs([str(tmp_path / "nothing")])
    (tmp_path / "config.yaml").write_text("name: x\n")
    (tmp_path / "stage=problems").mkdir()
    (tmp_path / "stage=problems" / "manifest.json").write_text("{}")
    with pytest.raises(BadInput, match="no finished stage rewards"):
        read_runs([str(tmp_path)])


def test_a_report_that_cannot_be_drawn_is_one_line_and_a_report_that_stands_is_left(
    tmp_path: Path, rounds: Store, caplog: pytest.LogCaptureFixture
) -> None:
    leave_report(str(tmp_path / "nothing"))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "is no run directory" in caplog.text and "\n" not in caplog.records[0].getMessage()
    rounds.put("round-1/training/config.yaml", b"name: training\n")
    rounds.put("round-1/training/manifest.json", b"{}")
    leave_report(rounds.uri)
    assert rounds.exists("round-1/training/report.html") and not rounds.exists("round-1/pairs/report.html")
    written = rounds.read("report.html")
    assert written.startswith(b"<!DOCTYPE html>")
    leave_report(rounds.uri)
    assert rounds.read("report.html") == written


@pytest.mark.slow
def test_a_report_is_left_on_s3_as_well(s3_server: S3Server, rounds: Store) -> None:
    store = Store.at(s3_server.new_bucket()).child("rounds")
    for name in rounds.list():
        store.put(name, rounds.read(name))
    leave_report(store.uri)
    assert store.read("report.html").startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(("count", "most", "places"), [(3, 5, [0, 1, 2]), (10, 3, [0, 3, 6]), (1000, 1, [0])])
def test_shards_that_are_looked_at_are_evenly_spread(count: int, most: int, places: list[int]) -> None:
    assert spread(count, most) == places
