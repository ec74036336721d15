"""Carrying a plan out to the letter, right or wrong, and the text in which the reasoner does so."""

from collections.abc import Sequence
from dataclasses import dataclass

from reasonflux.testbed.families import Numbers
from reasonflux.testbed.subjects import TEMPLATES
from reasonflux.testbed.templates import NotApplicable

NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One line a step, and the value of the last step that applied; None when no step did."""

    lines: tuple[str, ...]
    value: int | None
    kinds: frozenset[str] = frozenset()  # names under which later steps may read what the last step found

    @property
    def text(self) -> str:
        r"""The reasoner's target: numbered lines and the boxed answer, `\boxed{none}` when no step applied."""
        answer = "none" if self.value is None else str(self.value)
        lines = [f"{index}. {line}" for index, line in enumerate(self.lines, 1)]
        return "\n".join([*lines, f"\\boxed{{{answer}}}"])


def execute(numbers: Numbers, plan: Sequence[str]) -> Execution:
    """Apply the named templates in order. A step that does not apply, or is unknown, leaves no trace but a line."""
    state = dict(numbers)
    value: int | None = None
    kinds: frozenset[str] = frozenset()
    lines = []
    for name in plan:
        template = TEMPLATES.get(name)
        if template is None or any(need not in state for need in template.needs):
            lines.append(NOT_APPLICABLE)
            continue
        try:
            effect = template.apply(*(state[need] for need in template.needs))
        except NotApplicable:
            lines.append(NOT_APPLICABLE)
            continue
        state.update(effect.writes)
        value, kinds = effect.value, frozenset(effect.writes)
        lines.append(effect.line)
    return Execution(lines=tuple(lines), value=value, kinds=kinds)


def plan_text(plan: Sequence[str]) -> str:
    """A plan as the navigator writes it and the reasoner's prompt holds it: one numbered line a step."""
    return "\n".join(f"{index}. {name}" for index, name in enumerate(plan, 1))
