"""The runs of a round follow from the job's config: fresh problems, the round's parent, one name for one scoring."""

import itertools
from pathlib import Path

import pytest

from reasonflux.configuring import dump_config, load_config
from reasonflux.errors import BadInput
from reasonflux.pairs.provenance import Role
from reasonflux.problems.sources import read_problems
from reasonflux.rounds.config import GateJob, RoundsJob, Served, Standing, generation, scoring, training

CONFIGS = sorted((Path(__file__).parents[3] / "jobs/configs/rounds").glob("*.yaml"))
STANDING = Standing(
    navigator=Served(model="/models/planner", digest="a" * 32), reasoner=Served(model="/models/solver", digest="b" * 32)
)


@pytest.fixture(scope="module")
def job() -> RoundsJob:
    return load_config(RoundsJob, next(path for path in CONFIGS if path.stem == "testbed"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_of_rounds_is_valid_and_survives_writing(path: Path, tmp_path: Path) -> None:
    job = load_config(RoundsJob, path)
    (tmp_path / "again.yaml").write_text(dump_config(job))
    assert load_config(RoundsJob, tmp_path / "again.yaml") == job


def test_the_single_round_of_the_studies_is_the_first_of_the_shipped_rounds(job: RoundsJob) -> None:
    one = load_config(RoundsJob, next(path for path in CONFIGS if path.stem == "testbed_round"))
    assert one.schedule == job.schedule[:1]
    assert one.modules == {Role.NAVIGATOR: job.modules[Role.NAVIGATOR]}
    assert (one.seed, one.navigator, one.reasoner) == (job.seed, job.navigator, job.reasoner)


@pytest.mark.slow
def test_gates_of_two_rounds_have_no_problem_in_common_and_none_of_the_curve(job: RoundsJob) -> None:
    gates = [job.fresh(role, number).problems for number, role in enumerate(job.schedule, start=1)]
    lots: list[set[str]] = [{problem.text for problem in read_problems(gate, job.seed)} for gate in gates]
    assert [len(lot) for lot in lots] == [gate.limit for gate in gates] == [540, 540, 540, 1080]
    assert len(set[str]().union(*lots)) == sum(map(len, lots))
    curve = {p.text for p in read_problems(job.curve["greedy"].problems, job.seed)}
    trained = {p.text for p in read_problems(job.modules[Role.NAVIGATOR].problems, job.seed + 1)}
    assert not (curve | trained) & set[str]().union(*lots)
    assert not curve & trained


@pytest.mark.parametrize("schedule", list(itertools.product(("navigator", "reasoner"), repeat=4)))
def test_gates_of_both_models_in_any_order_have_no_problem_in_common(schedule: tuple[str, ...]) -> None:
    path = next(path for path in CONFIGS if path.stem == "testbed")
    sets = [f"schedule=[{','.join(schedule)}]", "candidate=/models/other"]
    for role in ("navigator", "reasoner"):  # whose lots are of different sizes; the last is a gate asked alone
        job = load_config(GateJob, path, [*sets, f"role={role}"])
        lots = [job.fresh(each, number).problems for number, each in enumerate((*job.schedule, job.role), start=1)]
        ends = [(lot.skip, lot.skip + (lot.limit or 0)) for lot in lots]
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(ends))


def test_a_round_generates_and_trains_with_what_stands(job: RoundsJob) -> None:
    pairs = generation(job, 2, STANDING, "/runs/round-2")
    assert (pairs.navigator.model, pairs.reasoner_spec.model) == ("/models/planner", "/models/solver")
    assert pairs.navigator.digest == STANDING.navigator.digest
    assert (pairs.round, pairs.name) == (2, "pairs")
    recipe = training(job, 4, STANDING.reasoner, "/data", "/runs/round-4", ["/earlier"])
    assert recipe.replayed == ("/earlier",)
    assert (recipe.base, recipe.base_digest, recipe.data) == ("/models/solver", STANDING.reasoner.digest, "/data")
    assert recipe.role == "reasoner"


def test_two_rounds_draw_other_problems_and_other_plans(job: RoundsJob) -> None:
    first, second = (generation(job, number, STANDING, "/runs") for number in (1, 2))
    assert first.seed != second.seed
    assert first.round != second.round


def test_alpha_is_shared_over_the_whole_schedule(job: RoundsJob) -> None:
    rules = job.rules(Role.NAVIGATOR)
    assert rules.level == pytest.approx(0.05 / len(job.schedule))


def test_scoring_takes_its_own_problems_plans_and_sampling(job: RoundsJob) -> None:
    how = job.curve["wrong_plans"]
    config = scoring(job, how, "wrong", STANDING, "/runs/curve")
    assert (config.plans, config.problems, config.sampling.reasoner) == ("wrong", how.problems, how.reasoner)
    assert config.similar.provider == "self"


def test_a_gate_asked_alone_takes_problems_of_no_round_and_alpha_as_it_stands(job: RoundsJob) -> None:
    path = next(path for path in CONFIGS if path.stem == "testbed")
    alone = load_config(GateJob, path, ["role=navigator", "candidate=/models/other"])
    assert alone.number == len(job.schedule) + 1
    assert alone.rules(Role.NAVIGATOR).level == 0.05
    assert load_config(GateJob, path, ["role=reasoner", "candidate=/models/other", "lot=2"]).number == 2
    with pytest.raises(BadInput, match=r"modules.reasoner.gate how it is compared"):
        load_config(GateJob, path.with_stem("testbed_round"), ["role=reasoner", "candidate=/models/other"])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("schedule=[reasoner,verifier]", "schedule.1"),
        ("modules.reasoner.recipe.role=navigator", "modules.reasoner.recipe trains the navigator"),
        ("modules.navigator.gate.primary.problems.limit=null", "how many fresh problems a gate takes"),
        ("curve={'right plans': {problems: {source: testbed}}}", "curve.right plans"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(change: str, line: str) -> None:
    path = next(path for path in CONFIGS if path.stem == "testbed")
    with pytest.raises(BadInput) as caught:
        load_config(RoundsJob, path, [change])
    assert line in str(caught.value)
    assert "\n" not in caught.value.what
