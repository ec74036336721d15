"""Real gold answers through the real verifier: each is its own right answer."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reasonflux.config import VerifierConfig
from reasonflux.rewards.verifier import Verifier


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    with Verifier(VerifierConfig(processes=2, deadline_s=60)) as verifier:
        yield verifier


DATA = {
    "math500.jsonl": "answer",
    "aime24.jsonl": "answer",
    "amc23.jsonl": "answer",
    "gaokao2023en.jsonl": "answer",
    "olympiadbench.jsonl": "final_answer",
    "math_train.jsonl": "answer",
}


async def test_every_gold_answer_of_real_problem_sets_equals_itself(
    verifier: Verifier, shared_data: Callable[[str], Path]
) -> None:
    empty = 0
    items = []
    for name, column in DATA.items():
        for line in shared_data(f"data/{name}").read_text(encoding="utf-8").splitlines():
            gold = json.loads(line)[column]
            gold = gold[0] if isinstance(gold, list) else str(gold or "")
            empty += not gold.strip()
            items.append((rf"Therefore the answer is $\boxed{{{gold}}}$.", gold))
    gradings = await verifier(items)
    unequal = [
        item[1] for item, grading in zip(items, gradings, strict=True) if grading.verdict != "correct" and item[1]
    ]
    assert unequal == []
    assert empty == sum(grading.verdict != "correct" for grading in gradings) < 30


async def test_every_reference_solution_of_math500_holds_its_gold_answer(
    verifier: Verifier, shared_data: Callable[[str], Path]
) -> None:
    rows = [json.loads(line) for line in shared_data("data/math500.jsonl").read_text(encoding="utf-8").splitlines()]
    gradings = await verifier([(row["solution"], row["answer"]) for row in rows])
    assert [row["answer"] for row, grading in zip(rows, gradings, strict=True) if grading.verdict != "correct"] == []
