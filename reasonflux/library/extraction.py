"""Templates out of solved problems (rows L6 and L7; arXiv 2502.06772, section 3.1): propose, validate, refuse, merge.

An engine proposes one template a solved problem, in the form of a JSON schema. What it wrote is held to that schema,
and refused where it leaks: a template is a strategy, and holds neither the problem's numbers nor its answer. Proposals
that say nearly the same become one template, whose origin names every problem that it stands for.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from reasonflux.identity import digest, seed_of
from reasonflux.library.doubles import NearDouble, near_doubles
from reasonflux.library.entries import template_of
from reasonflux.library.saving import in_file_order
from reasonflux.library.solved import SolvedProblem, TemplateProposal
from reasonflux.protocols import Completion, Generate, Outcome, Request, Sampling
from reasonflux.records import Failure, Message, Problem, Status, TemplateOrigin, ThoughtTemplate, Usage

STAGE = "proposals"
PROMPT = "extract"
SMALL = {"0", "1", "2"}  # numbers of every strategy: halves, squares, signs
SHORTEST_ANSWER = 2  # characters of an answer that is looked for as text

Render = Callable[..., tuple[Message, ...]]  # name of a prompt and what stands in it, to messages
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class Draft(BaseModel):
    """What an engine is asked to write."""

    model_config = ConfigDict(extra="forbid")

    chapter: Line
    section: Line
    name: Line
    type: Line
    tags: list[Line] = Field(min_length=1, max_length=12)
    description: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    scenarios: list[Line] = Field(min_length=1, max_length=8)
    steps: list[Line] = Field(min_length=2, max_length=21)


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The templates of a library, and what became of every proposal, counted by reason."""

    templates: tuple[ThoughtTemplate, ...]
    counts: Mapping[str, int]


def expand_solved(
    solved: Iterable[tuple[Problem, str]], sampling: Sampling, identity: Mapping[str, str]
) -> list[SolvedProblem]:
    """One work item a problem. `identity`: digests of the checkpoint and the prompts, by name."""
    items = []
    for problem, solution in solved:
        work = (problem.id, problem.text, problem.gold, solution, sampling.model_dump(mode="json"))
        item_id = digest(PROMPT, dict(identity), *work)
        items.append(SolvedProblem(id=item_id, problem=problem, solution=solution, seed=seed_of(item_id)))
    return items


async def extract(
    items: Sequence[SolvedProblem],
    generate: Generate,
    render: Render,
    sampling: Sampling,
    benchmark_of: Callable[[str], str | None] | None = None,
    checkpoint: str | None = None,
) -> list[TemplateProposal]:
    """One proposal for each item, in order; one that cannot be used has status `failed` and says why.

    `benchmark_of` names the benchmark that a problem's text stands in; no engine is asked for such a one.
    """
    reasons = {item.id: _unusable(item, benchmark_of) for item in items}
    asked = [item for item in items if reasons[item.id] is None]
    structured = sampling.model_copy(update={"json_schema": Draft.model_json_schema()})
    requests = [
        Request(
            id=item.id,
            messages=render(PROMPT, problem=item.problem, solution=item.solution),
            sampling=structured,
            seed=item.seed,
            checkpoint=checkpoint,
        )
        for item in asked
    ]
    completions = {completion.id: completion for completion in (await generate(requests) if requests else [])}
    return [_proposal(item, completions.get(item.id), reasons[item.id]) for item in items]


def merge(proposals: Iterable[TemplateProposal], least: float) -> Merged:
    """Near-doubles become one: the one that most others are alike to stays as it is, and stands for them."""
    done, counts = [], Counter[str]()
    for proposal in proposals:
        if proposal.template is not None:
            done.append(proposal.template)
        else:
            counts[f"refused: {proposal.failure.error if proposal.failure else 'unknown'}"] += 1
    done.sort(
        key=lambda template: (template.chapter, template.section, template.name, template.id, _problems(template))
    )
    kept = done
    while pairs := near_doubles(kept, least):
        kept = _merged(kept, pairs)
    counts["merged into another"] = len(done) - len(kept)
    counts["templates"] = len(kept)
    return Merged(templates=tuple(in_file_order(kept)), counts=dict(sorted(counts.items())))


def _merged(templates: Sequence[ThoughtTemplate], pairs: Sequence[NearDouble]) -> list[ThoughtTemplate]:
    """One pass: the template with the most neighbours takes them in, then the next of those that are left."""
    alike: dict[int, set[int]] = {place: set() for place in range(len(templates))}
    for pair in pairs:
        alike[pair.first].add(pair.second)
        alike[pair.second].add(pair.first)
    kept, taken = {}, set[int]()
    for place in sorted(alike, key=lambda place: (-len(alike[place]), place)):
        if place not in taken:
            others = sorted(alike[place] - taken)
            taken |= {place, *others}
            kept[place] = _standing_for(templates[place], [templates[other] for other in others])
    return [kept[place] for place in sorted(kept)]


def leak(template: ThoughtTemplate, item: SolvedProblem) -> str | None:
    """What of its problem a template gives away: "leaks the answer", "leaks a number", or None."""
    text = " ".join([template.name, template.description, *template.scenarios, *template.steps])
    gold = _squeezed(item.problem.gold)
    if _numbers(gold) == {gold}:
        if gold not in SMALL and gold in _numbers(text):
            return "leaks the answer"
    elif len(gold) >= SHORTEST_ANSWER and gold in _squeezed(text):
        return "leaks the answer"
    return "leaks a number" if (_numbers(text) - SMALL) & _numbers(item.problem.text) else None


def _unusable(item: SolvedProblem, benchmark_of: Callable[[str], str | None] | None) -> Failure | None:
    if not item.solution.strip():
        return Failure(stage=STAGE, error="no solution", message="the row has none")
    benchmark = benchmark_of(item.problem.text) if benchmark_of else None
    return Failure(stage=STAGE, error="benchmark", message=f"stands in {benchmark}") if benchmark else None


def _proposal(item: SolvedProblem, completion: Completion | None, failure: Failure | None) -> TemplateProposal:
    template = None
    if completion is not None:
        template, failure = _read(item, completion)
    return TemplateProposal(
        id=item.id,
        problem_id=item.problem.id,
        text=completion.text if completion else "",
        template=template,
        status=Status.DONE if template else Status.FAILED,
        failure=failure,
        usage=completion.usage if completion else Usage(attempts=0),
    )


def _read(item: SolvedProblem, completion: Completion) -> tuple[ThoughtTemplate | None, Failure | None]:
    """The template of an answer, or why there is none."""
    if completion.outcome is not Outcome.STOPPED:
        return None, Failure(stage=STAGE, error=completion.outcome, message=completion.message or "cut off")
    text = completion.text
    try:
        draft = Draft.model_validate_json(text[max(0, text.find("{")) : text.rfind("}") + 1])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return None, Failure(stage=STAGE, error="not in the schema", message=f"{place}: {first['msg']}")
    template = _template(draft, item, completion.usage.checkpoint)
    found = leak(template, item)
    return (None, Failure(stage=STAGE, error=found, message=template.name)) if found else (template, None)


def _template(draft: Draft, item: SolvedProblem, checkpoint: str) -> ThoughtTemplate:
    return template_of(
        name=draft.name,
        original_type=draft.type,
        tags=tuple(dict.fromkeys(draft.tags)),
        description=draft.description,
        scenarios=tuple(draft.scenarios),
        steps=tuple(draft.steps),
        example="",  # the problem itself would stand there, and be indexed by nobody
        chapter=draft.chapter,
        section=draft.section,
        origin=TemplateOrigin(source=item.problem.problem_set, problems=(item.problem.id,), checkpoint=checkpoint),
    )


def _standing_for(template: ThoughtTemplate, others: Sequence[ThoughtTemplate]) -> ThoughtTemplate:
    if template.origin is None:
        return template
    problems = dict.fromkeys([*_problems(template), *(one for other in others for one in _problems(other))])
    below = [*template.origin.merged, *(one for other in others for one in (other.id, *_merged_ids(other)))]
    merged = [one for one in dict.fromkeys(below) if one != template.id]
    return replace(template, origin=replace(template.origin, problems=tuple(problems), merged=tuple(merged)))


def _problems(template: ThoughtTemplate) -> tuple[str, ...]:
    return template.origin.problems if template.origin else ()


def _merged_ids(template: ThoughtTemplate) -> tuple[str, ...]:
    return template.origin.merged if template.origin else ()


def _numbers(text: str) -> set[str]:
    """Whole numbers and decimals as they are written, those that name a step left out."""
    return set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?i)\bstep\s*\d+", "", text)))


def _squeezed(text: str) -> str:
    """Without blanks, dollar signs and the sizes of brackets, in lower case."""
    return re.sub(r"\\left|\\right|[\s$]", "", text).lower()
