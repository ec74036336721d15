"""Extraction (L6, L7): what an engine proposes is held to a schema, refused where it leaks, merged and accounted for.

The only solutions at hand are those of a benchmark, MATH-500: no library is ever built on them outside this file.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reasonflux.config import FieldNames, ProblemSource
from reasonflux.library.doubles import COMMON
from reasonflux.library.extraction import Draft, expand_solved, extract, leak, merge
from reasonflux.library.load import library_of, load_library
from reasonflux.library.saving import save_library
from reasonflux.library.solved import SolvedProblem, TemplateProposal
from reasonflux.problems.sources import read_solved
from reasonflux.protocols import Outcome, Request, Sampling
from reasonflux.records import Message, Problem, Usage
from tests.scripted import ScriptedGenerate
from tests.unit.library.builders import template

SAMPLING = Sampling(max_tokens=512)
FIELDS = FieldNames(gold="answer", solution="solution", tags="subject", level="level")
DRAFT: dict[str, Any] = {
    "chapter": "Arithmetic",
    "section": "Averages",
    "name": "Balance around the mean",
    "type": "Method",
    "tags": ["mean", "deviation"],
    "description": "Deviations from the mean cancel.",
    "scenarios": ["A mean and all values but one are known"],
    "steps": ["Write every value as the mean plus a deviation", "Let the deviations add up to 0"],
}


def render(name: str, *, problem: Problem, solution: str) -> tuple[Message, ...]:
    return (Message(role="user", content=f"{name}: {problem.text} / {solution}"),)


def solved(text: str = "The mean of 17 and x is 23.5.", gold: str = "30", solution: str = "Twice.") -> SolvedProblem:
    problem = Problem(id=text, text=text, gold=gold, problem_set="mine")
    return expand_solved([(problem, solution)], SAMPLING, {"checkpoint": "c"})[0]


def draft(**changes: Any) -> str:
    return json.dumps(DRAFT | changes)


async def proposed(text: str, item: SolvedProblem | None = None, **options: Any) -> TemplateProposal:
    generate = ScriptedGenerate(lambda request: text, checkpoint="c", **options)
    (proposal,) = await extract([item or solved()], generate, render, SAMPLING)
    return proposal


async def test_l6_a_solved_problem_becomes_a_template_with_its_origin() -> None:
    generate = ScriptedGenerate({"mean of 17": draft()}, checkpoint="c")
    item = solved()
    (proposal,) = await extract([item], generate, render, SAMPLING, checkpoint="c")
    assert proposal.status == "done" and proposal.id == item.id and proposal.template is not None
    assert (proposal.template.name, proposal.template.type) == ("Balance around the mean", "method")
    assert proposal.template.origin is not None
    assert (proposal.template.origin.problems, proposal.template.origin.checkpoint) == ((item.problem.id,), "c")
    (request,) = generate.requests
    assert request.sampling.json_schema == Draft.model_json_schema() and request.seed == item.seed
    assert "Twice." in request.messages[0].content


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"description": "The mean is 23.5 here."}, "leaks a number"),
        ({"steps": ["Take 17 away", "Go on"]}, "leaks a number"),
        ({"steps": ["Begin", "The answer is 30"]}, "leaks the answer"),
        ({"name": "Balance [17, x]"}, "leaks a number"),
        ({"steps": ["Only one"]}, "not in the schema"),
        ({"tags": []}, "not in the schema"),
        ({"name": " "}, "not in the schema"),
        ({"extra": 1}, "not in the schema"),
        ({"description": "x" * 5000}, "not in the schema"),
    ],
)
async def test_l7_what_leaks_or_does_not_fit_the_schema_is_a_row_with_its_reason(
    changes: dict[str, Any], reason: str
) -> None:
    proposal = await proposed(draft(**changes))
    assert proposal.status == "failed" and proposal.template is None and proposal.failure is not None
    assert proposal.failure.error == reason and proposal.text


@pytest.mark.parametrize("text", ["", "I would rather not.", "}{", '{"name": 1e999', "[" * 50_000, "\x00{}", "null"])
async def test_any_text_is_a_row(text: str) -> None:
    proposal = await proposed(text)
    assert proposal.failure is not None and proposal.failure.error == "not in the schema"


async def test_prose_and_fences_around_the_object_do_not_matter() -> None:
    assert (await proposed(f"<think>so</think>\n```json\n{draft()}\n```\nDone.")).status == "done"


@pytest.mark.parametrize("outcome", [Outcome.TRUNCATED, Outcome.ENGINE_ERROR, Outcome.PROMPT_TOO_LONG])
async def test_an_answer_that_was_not_given_whole_is_a_failure_row(outcome: Outcome) -> None:
    item = solved()
    proposal = await proposed(draft(), item, outcomes={item.id: outcome})
    assert proposal.failure is not None and proposal.failure.error == outcome


async def test_no_engine_is_asked_for_a_benchmarks_problem_or_one_without_a_solution() -> None:
    generate = ScriptedGenerate(lambda request: draft())
    items = [solved("of a benchmark"), solved("mine", solution=" "), solved("mine too")]
    known = {"of a benchmark": "math500"}.get
    proposals = await extract(items, generate, render, SAMPLING, known)
    assert [row.failure.error if row.failure else row.status for row in proposals] == [
        "benchmark",
        "no solution",
        "done",
    ]
    assert [request.id for request in generate.requests] == [items[2].id]


@pytest.mark.parametrize(
    ("gold", "steps", "found"),
    [
        ("30", ["Step 30: go on"], None),
        ("2", ["Take the square of 2"], None),
        (r"\frac{3}{4}", [r"It is $\frac{3} {4}$"], "leaks the answer"),
        ("(0, 7)", ["Begin with (0,7)"], "leaks the answer"),
        ("x", ["Solve for x"], None),
        ("", ["Anything"], None),
    ],
)
def test_an_answer_is_found_however_it_is_set(gold: str, steps: list[str], found: str | None) -> None:
    assert leak(template("A", steps=tuple(steps)), solved("No number.", gold=gold)) == found


def proposal(number: int, one: Any) -> TemplateProposal:
    row = solved(f"problem {number}")
    origin = replace(one.origin, problems=(f"p{number}",)) if one.origin else None
    return TemplateProposal(
        id=row.id,
        problem_id=f"p{number}",
        text="",
        template=replace(one, origin=origin),
        status="done",
        failure=None,
        usage=Usage(),
    )


async def test_l7_near_doubles_become_one_that_names_all_their_problems(tmp_path: Path) -> None:
    base = (await proposed(draft())).template
    assert base is not None
    near = (await proposed(draft(name="Balancing around the mean"))).template
    far = (
        await proposed(draft(name="Casework", tags=["cases"], steps=["Split", "Add up"], chapter="Counting"))
    ).template
    failed = await proposed("nothing")
    rows = [proposal(1, base), proposal(2, near), proposal(3, far), proposal(4, base), failed]
    merged = merge(rows, 0.65)
    assert dict(merged.counts) == {"merged into another": 2, "refused: not in the schema": 1, "templates": 2}
    kept = {one.name: one.origin for one in merged.templates}
    origin = kept["Balance around the mean"]
    assert origin is not None and sorted(origin.problems) == ["p1", "p2", "p4"] and len(origin.merged) == 1
    assert merge(rows[::-1], 0.65) == merged
    save_library(library_of(merged.templates, source="mine"), tmp_path / "library.json")
    assert load_library(str(tmp_path / "library.json")).templates == merged.templates


async def test_a_crowd_of_equal_proposals_is_one_template() -> None:
    one = (await proposed(draft())).template
    merged = merge([proposal(number, one) for number in range(3 * COMMON)], 0.65)
    assert len(merged.templates) == 1 and merged.templates[0].origin is not None
    assert len(merged.templates[0].origin.problems) == 3 * COMMON


async def test_l6_solutions_of_math_500_as_a_test_only(shared_data: Callable[[str], Path]) -> None:
    """A script that names the subject: one template a subject comes of 500 solved problems."""
    source = ProblemSource(source="jsonl", path=str(shared_data("data/math500.jsonl")), fields=FIELDS)
    items = expand_solved(read_solved(source), SAMPLING, {})
    subjects = {item.id: item.problem.tags[0] for item in items}

    def answer(request: Request) -> str:
        subject = subjects[request.id]
        return draft(
            name=f"How to do {subject}", chapter=subject, tags=[subject], steps=[f"Think of {subject}", "Do it"]
        )

    proposals = await extract(items, ScriptedGenerate(answer), render, SAMPLING)
    merged = merge(proposals, 0.9)
    assert len({item.id for item in items}) == 500 and merged.counts["templates"] == 7
    assert sum(len(one.origin.problems) for one in merged.templates if one.origin) == 500
