"""The canonical text of a plan: what prompts show, pairs hold, and equal plans share."""

from collections.abc import Sequence

from reasonflux.library.resolve import Resolver
from reasonflux.reasoning.parsing import WrittenStep
from reasonflux.records import Step


def plan_text(steps: Sequence[Step]) -> str:
    """One numbered line a step, `1. Name`, `1. Name: instruction`, or the instruction alone where there is no name.

    Numbering, blanks, dashes and blank lines of the text that a plan was read from do not survive parsing, so that
    plans which differ in those alone have one canonical text.
    """
    lines = (": ".join(part for part in (step.name, step.instruction) if part) for step in steps)
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def resolve_step(written: WrittenStep, resolver: Resolver) -> tuple[Step, bool]:
    """The step bound to its template, and whether the library holds the name as it was written.

    A name may hold the colon or dash at which a line was taken apart: the whole is tried before its front. A step
    without a name (free plans) is bound to none.
    """
    if not written.name:
        return Step(name="", written="", instruction=written.instruction), False
    if written.instruction:
        template, exact = resolver.resolve(f"{written.name} {written.instruction}")
        if exact and template:
            return Step(name=template.name, written=template.name, template_id=template.id), True
    template, exact = resolver.resolve(written.name)
    name, template_id = (template.name, template.id) if template else (written.name, None)
    return Step(name=name, written=written.name, template_id=template_id, instruction=written.instruction), exact
