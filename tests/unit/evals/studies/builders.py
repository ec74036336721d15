"""Runs and samples for tests of studies."""

from collections.abc import Mapping
from typing import Any

from reasonflux.evals.comparing import Cell
from reasonflux.evals.samples import Mark, Sample
from reasonflux.evals.studies.material import Material, Measured
from reasonflux.pairs.provenance import Role
from reasonflux.records import Decision, Exchange, Message, Solution, Step, Usage
from reasonflux.rounds.config import Served
from reasonflux.rounds.record import RoundRecord
from tests.unit.evals.marks import marks

TOKENS = 50  # of a sample of `marks`: 20 in, 30 out


def arm(*problems: str, method: str = "direct", model: str = "model", **changes: Any) -> list[Mark]:
    """Samples of one method, as `marks` makes them."""
    return marks(*problems, method=method, model=model, **changes)


def measured(*arms: list[Mark], samples: Mapping[Cell, list[Sample]] | None = None) -> Measured:
    """A run of these samples."""
    cells: dict[Cell, list[Mark]] = {(own[0].benchmark, own[0].model, own[0].method): own for own in arms}
    return Measured(results="digest", cells=cells, samples=(samples or {}).__getitem__)


def material(*arms: list[Mark], **fields: Any) -> Material:
    """One run `r`."""
    return Material(runs={"r": measured(*arms)}, **fields)


def solution(first: str, *decisions: str, bound: bool = True) -> Solution:
    """An interplay whose navigator wrote `first`, then decided on these plans; steps are those of the last."""
    last = [first, *decisions][-1]
    key = "id" if bound else None
    steps = tuple(Step(name=line[3:], written=line[3:], template_id=key) for line in last.split("\n"))
    asked = Exchange(
        role="navigator",
        purpose="navigator",
        prompt=(Message(role="user", content=""),),
        text=first,
        outcome="stopped",
        message="",
        usage=Usage(),
    )
    decided = tuple(
        Decision(round=number, done=1, action="refine", reason="", plan=plan)
        for number, plan in enumerate(decisions, start=1)
    )
    return Solution(
        id="s",
        problem_id="p",
        method="interplay",
        answer="42",
        steps=steps,
        exchanges=(asked,),
        decisions=decided,
        retrieved=(),
        seconds=1.0,
    )


def sample(mark: Mark, made: Solution) -> Sample:
    """A mark with all that it was made of."""
    return Sample(
        **vars(mark),
        question="",
        gold="42",
        grader="math",
        level=None,
        tags=(),
        prompt=(),
        output="",
        seed=None,
        truncated=False,
        grading_s=0.0,
        message="",
        navigator="",
        reasoner="",
        prompts="",
        library="",
        solution=made,
    )


def record(number: int, role: Role, tokens: float | None) -> RoundRecord:
    """A round with the tokens that its training read."""
    return RoundRecord(
        number=number,
        role=role,
        parent=Served(model="m", digest="d"),
        problems=6,
        pairs=1,
        reward=0.5,
        purity=None,
        output_tokens=1,
        dataset="",
        training={"metrics": {} if tokens is None else {"num_tokens": tokens}},
    )
