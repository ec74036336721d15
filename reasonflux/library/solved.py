"""The records of extraction: a solved problem as a work item, and what an engine made of it."""

from dataclasses import dataclass

from reasonflux.records import Failure, Problem, ThoughtTemplate, Usage


@dataclass(frozen=True, kw_only=True)
class SolvedProblem:
    """Work item: a template to be drawn from a problem and its solution. `id` is the id of the proposal to come."""

    id: str
    problem: Problem
    solution: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class TemplateProposal:
    """What an engine made of one solved problem; a proposal that was refused has status `failed` and says why."""

    id: str
    problem_id: str
    text: str  # as the engine wrote it
    template: ThoughtTemplate | None
    status: str
    failure: Failure | None
    usage: Usage
