from dataclasses import replace

from reasonflux.config import PairConfig
from reasonflux.pairs.building import without_doubles
from reasonflux.pairs.navigator import navigator_pairs
from reasonflux.pairs.report import PairReport
from reasonflux.records import Message
from tests.unit.pairs.rows import PROVENANCE, pair, reward, trajectory


def test_equal_texts_of_two_problems_are_one_pair() -> None:
    one = pair(1)
    other = replace(one, id="z", problem_id="other")
    assert without_doubles([other, one]) == [one]


def test_of_a_pair_and_its_reverse_the_larger_margin_stands() -> None:
    one = pair(1)
    reverse = replace(one, id="z", chosen=one.rejected, rejected=one.chosen, margin=0.75)
    assert without_doubles([one, reverse]) == [reverse]


def test_pairs_that_differ_in_the_prompt_alone_are_two() -> None:
    one = pair(1)
    other = replace(one, id="z", prompt=(Message(role="user", content="another"),))
    assert without_doubles([one, other]) == [one, other]


def test_a_problem_whose_pairs_are_all_doubles_is_reported_so() -> None:
    prompt = (Message(role="user", content="the same question"),)
    rows = [("a1", "p", "plan 1"), ("a2", "p", "plan 2"), ("b1", "q", "plan 1"), ("b2", "q", "plan 2")]
    trajectories = [replace(trajectory(id, problem=problem, plan=plan), prompt=prompt) for id, problem, plan in rows]
    rewards = [reward(id, float(plan == "plan 1"), problem=problem) for id, problem, plan in rows]
    built = navigator_pairs(trajectories, rewards, PairConfig(), PROVENANCE)
    assert built.report == PairReport(groups=2, paired=1, pairs=1, no_pair={"duplicate": 1})


def test_reports_add_up() -> None:
    one = PairReport(groups=3, paired=1, pairs=2, no_pair={"none_wrong": 1, "none_correct": 1})
    other = PairReport(groups=1, no_pair={"none_wrong": 1})
    assert one + other == PairReport(groups=4, paired=1, pairs=2, no_pair={"none_correct": 1, "none_wrong": 2})
