"""Real gold answers through the real verifier: each is its own right answer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.config import VerifierConfig
from reasonflux.problems.sets import PROBLEM_SETS, load_set
from reasonflux.rewards.graders import GRADERS
from reasonflux.rewards.verifier import Verifier

REAL = ("math500", "aime24", "amc23", "olympiadbench", "gaokao2023en", "math_train")


@pytest.mark.parametrize("grader", sorted({PROBLEM_SETS[name].grader for name in REAL}))
async def test_e3_every_gold_answer_of_real_problem_sets_equals_itself(
    grader: str, shared_data: Callable[[str], Path]
) -> None:
    golds = [
        problem.gold
        for name in REAL
        if PROBLEM_SETS[name].grader == grader
        for problem in load_set(name, PROBLEM_SETS[name], path=str(shared_data(f"data/{name}.jsonl"))).problems
    ]
    with Verifier(VerifierConfig(processes=2, deadline_s=60), GRADERS[grader]) as verifier:
        gradings = await verifier([(rf"Therefore the answer is $\boxed{{{gold}}}$.", gold) for gold in golds])
    assert [gold for gold, grading in zip(golds, gradings, strict=True) if grading.verdict != "correct"] == []


async def test_every_reference_solution_of_math500_holds_its_gold_answer(
    shared_data: Callable[[str], Path],
) -> None:
    rows = [json.loads(line) for line in shared_data("data/math500.jsonl").read_text(encoding="utf-8").splitlines()]
    with Verifier(VerifierConfig(processes=2, deadline_s=60)) as verifier:
        gradings = await verifier([(row["solution"], row["answer"]) for row in rows])
    assert [row["answer"] for row, grading in zip(rows, gradings, strict=True) if grading.verdict != "correct"] == []
