"""Figures count distinct numbers once, and plans and answers are read as they are written."""

import pytest

from reasonflux.identity import digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.evaluation import (
    answers_right,
    boxed,
    figure,
    no_plans,
    plan_all,
    read_plan,
    rewards,
    right_plans,
    wrong_plans,
)
from reasonflux.testbed.execution import execute, plan_text
from reasonflux.testbed.measuring import balanced
from reasonflux.testbed.world import family_of, generate_problems, numbers_of

PROMPTS = PromptSet.load()


class PerfectReasoner:
    """Carries out any plan to the letter; without one it gives up."""

    def __init__(self, problems):
        self.problems = {problem.text: problem for problem in problems}

    def __call__(self, prompts):
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt):
        text = prompt.split("Problem: ")[1].split("<|im_end|>")[0]
        if "Plan:" not in prompt:
            return "\\boxed{none}"
        return execute(numbers_of(self.problems[text]), read_plan(prompt).plan).text


def test_a_figure_counts_problems_with_equal_numbers_once():
    problem, *others = generate_problems(1 + 26, "final", seed=0)
    measured = figure([problem, problem, *others], [1.0, 0.0, *[1.0] * len(others)])
    assert measured.n == 27
    assert measured.mean == pytest.approx(26.5 / 27, abs=1e-4)


def test_an_interval_holds_its_mean_and_narrows_with_more_problems():
    few, many = generate_problems(54, "final", seed=0), generate_problems(810, "final", seed=0)
    narrow, wide = (figure(some, [float(int(digest(p.id), 16) % 2) for p in some]) for some in (many, few))
    for measured in (narrow, wide):
        assert measured.low < measured.mean < measured.high
    assert narrow.high - narrow.low < wide.high - wide.low


@pytest.mark.parametrize(
    ("text", "answer"),
    [("\\boxed{12}", "12"), ("\\boxed{1} then \\boxed{2}", "2"), ("12", None), ("\\boxed{none}", "none")],
)
def test_the_last_box_is_the_answer(text, answer):
    assert boxed(text) == answer


def test_a_misspelt_name_is_resolved_to_the_closest_template_and_counted():
    planned = read_plan("1. Count the Gap\n2. Growth over Gaps\n")
    assert planned.plan == ("Count the Gaps", "Growth over Gaps")
    assert planned.in_library == 1
    assert read_plan("no plan").plan == ()


def test_a_reasoner_that_follows_to_the_letter_has_full_marks_on_right_plans_and_few_on_wrong_ones():
    problems = generate_problems(310, "final", seed=0, held_out=True)
    reason = PerfectReasoner(problems)
    assert sum(answers_right(reason, PROMPTS, right_plans(problems))) == 310
    assert sum(answers_right(reason, PROMPTS, wrong_plans(problems, 0))) < 0.15 * 310
    assert sum(answers_right(reason, PROMPTS, no_plans(problems))) == 0


def test_the_reward_is_the_share_right_over_x_and_the_problems_similar_to_it():
    problems = generate_problems(27, "final", seed=0)
    plans = [family_of(problem).plan for problem in problems]
    asked: list[str] = []

    def only_x(prompts):
        asked.extend(prompts)
        own = {problem.text: problem.gold for problem in problems}
        texts = [prompt.split("Problem: ")[1].split("<|im_end|>")[0] for prompt in prompts]
        return [f"\\boxed{{{own.get(text, 'none')}}}" for text in texts]

    assert rewards(only_x, PROMPTS, problems, plans, 4, 0) == [0.25] * 27
    assert len(set(asked)) == 27 * 4


def test_plans_are_asked_for_with_the_navigators_prompt():
    problems = generate_problems(3, "final", seed=0)
    planned = plan_all(lambda prompts: [plan_text(("Square Root",)) for _ in prompts], PROMPTS, problems)
    assert [one.plan for one in planned] == [("Square Root",)] * 3


def test_balanced_takes_families_in_turn_and_no_numbers_twice():
    problems = generate_problems(9000, "final", seed=0)
    chosen = balanced(problems, 540)
    assert len({(p.family, digest(dict(numbers_of(p)))) for p in chosen}) == 540
    assert len({p.family for p in chosen[:27]}) == 27
