"""Trajectories as long chains of thought: what was right, in order, in a format that TRL reads."""

from dataclasses import asdict, replace

from reasonflux.library.resolve import Resolver
from reasonflux.reasoning.answers import extract_answer
from reasonflux.reasoning.long_cot import long_cots
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.records import Solution, Verdict
from tests.unit.reasoning.builders import library, problem
from tests.unit.reasoning.methods.test_interplay import RIGHT, WRONG, World

LIBRARY = library("Add", "Double", "Name")


async def solved(verdict: str) -> Solution:
    world = World(f"<think>hm</think>{WRONG}", "continue", RIGHT)
    return replace(await world.solve(Interplay(), resolver=Resolver(LIBRARY)), verdict=verdict)


async def test_f1a_a_correct_trajectory_becomes_one_think_part_with_its_templates() -> None:
    solution = await solved(Verdict.CORRECT)
    (sample,) = long_cots([(problem("p"), solution)], LIBRARY.by_id)
    assert [asdict(message) for message in sample.prompt] == [{"role": "user", "content": "problem p"}]
    text = sample.completion[0].content
    told = (
        "<think>",
        "The strategy “Add”",
        "The strategy “Name”",
        "Plan:",
        "another plan:\n1. Add\n2. Double\n3. Name",
        r"\boxed{Add+Double+Name}",
        "</think>",
        r"\boxed{Add+Double+Name}",
    )
    start = 0
    for part in told:
        start = text.index(part, start) + 1
    assert text.count("<think>") == text.count("</think>") == 1
    assert "hm" not in text
    assert extract_answer(text) == solution.answer


async def test_f1a_what_is_not_known_to_be_right_is_left_out() -> None:
    solutions = [await solved(verdict) for verdict in ("", Verdict.WRONG, Verdict.ERROR)]
    assert list(long_cots([(problem("p"), one) for one in solutions], LIBRARY.by_id)) == []
