"""The gate promotes what is better, and nearly never what is not; it says so when it cannot tell."""

import json

import numpy as np
import pytest

from reasonflux.errors import BadInput
from reasonflux.rounds.gate import GateRules, Outcome, Scores, decide

SIMULATED = 200
SAMPLES = 8


def scores(rng: np.random.Generator, problems: int, gain: float, samples: int = SAMPLES, name: str = "gate") -> Scores:
    """Problems of all difficulties; the candidate solves each with `gain` more probability, where there is room."""
    chance = rng.beta(1, 1, problems)
    raised = np.clip(chance + gain, 0, 1)
    return Scores(
        problem_set=name,
        problems=tuple(map(str, range(problems))),
        parent=tuple(rng.binomial(samples, chance) / samples),
        candidate=tuple(rng.binomial(samples, raised) / samples),
        samples=samples,
    )


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1, SAMPLES])
def test_identical_checkpoints_are_promoted_in_at_most_alpha_of_gates(samples: int) -> None:
    rng = np.random.default_rng(0)
    promoted = sum(
        decide(scores(rng, 200, 0.0, samples), [], GateRules(resamples=999), i).promoted for i in range(SIMULATED)
    )
    assert promoted <= 18  # 5% of 200 is 10; more than 18 has a chance of 0.4% if 5% are promoted


@pytest.mark.slow
def test_a_gain_of_five_points_on_500_problems_is_found_in_most_gates_of_six() -> None:
    rng, rules = np.random.default_rng(1), GateRules(planned_gates=6, resamples=999)
    # 5.26 points more where there is room are 5 points on average
    promoted = sum(decide(scores(rng, 500, 0.0526), [], rules, i).promoted for i in range(SIMULATED // 2))
    assert promoted >= 0.8 * SIMULATED / 2


@pytest.mark.slow
def test_a_small_set_is_undecided_and_a_large_one_says_no() -> None:
    rng = np.random.default_rng(2)
    small, large = scores(rng, 20, 0.0), scores(rng, 1000, 0.0)
    assert decide(small, [], GateRules(), 0).outcome is Outcome.UNDECIDED
    told = decide(large, [], GateRules(), 0)
    assert told.outcome is Outcome.NOT_BETTER
    assert not told.promoted


@pytest.mark.slow
def test_a_loss_on_a_benchmark_keeps_the_parent_whatever_the_gain() -> None:
    rng = np.random.default_rng(3)
    gain = scores(rng, 500, 0.2)
    kept = decide(gain, [scores(rng, 500, -0.2, name="other")], GateRules(), 0)
    assert (kept.promoted, kept.outcome) == (False, Outcome.WORSE)
    assert "other" in kept.reason
    few = decide(gain, [scores(rng, 10, 0.0, name="tiny")], GateRules(), 0)
    assert (few.promoted, few.outcome) == (False, Outcome.UNDECIDED)
    assert "tiny" in few.reason
    fine = decide(gain, [scores(rng, 1000, 0.01, name="other")], GateRules(), 0)
    assert fine.promoted


def test_alpha_is_shared_over_the_planned_gates() -> None:
    rng = np.random.default_rng(4)
    close = scores(rng, 300, 0.04)
    alone, many = decide(close, [], GateRules(), 0), decide(close, [], GateRules(planned_gates=50), 0)
    assert alone.primary.p == many.primary.p
    assert alone.primary.level == 50 * many.primary.level
    assert alone.promoted
    assert not many.promoted


def test_the_file_beside_the_checkpoint_holds_every_number_and_comes_out_alike() -> None:
    rng = np.random.default_rng(5)
    given = scores(rng, 100, 0.1)
    one, two = (json.dumps(decide(given, [given], GateRules(), 7).to_json()) for _ in range(2))
    assert one == two
    assert json.loads(one)["primary"]["problems"] == 100


@pytest.mark.parametrize("spoilt", [{"parent": (0.5,)}, {"problems": ("a", "a")}, {"problems": ()}])
def test_scores_of_unlike_problems_are_refused(spoilt: dict) -> None:
    good = {"problem_set": "s", "problems": ("a", "b"), "parent": (0.0, 1.0), "candidate": (1.0, 1.0), "samples": 1}
    with pytest.raises(BadInput, match="same problems"):
        Scores(**(good | spoilt))
