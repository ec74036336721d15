"""What to do about a library after a run: retire what harms, merge what says the same, split what helps here and
harms there. Proposals, for a person or a next round to take up; nothing is changed.

Every interval that a proposal rests on is widened for the number of intervals looked at (Bonferroni), so that a run in
which no template matters proposes something in at most 5% of cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reasonflux.library.credit import FEWEST_PROBLEMS, Effect, TemplateCredit, Use, credit_by_template
from reasonflux.library.doubles import near_doubles
from reasonflux.library.load import TemplateLibrary
from reasonflux.statistics import CONFIDENCE

RETIRE, MERGE, SPLIT = "retire", "merge", "split"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One change, the templates it is about (of a merge the first is to stay), and why."""

    action: str
    templates: tuple[str, ...]  # ids
    names: tuple[str, ...]
    why: str


def propose(found: Sequence[Use], library: TemplateLibrary) -> list[Proposal]:
    """Retirements, then merges, then splits."""
    plain = credit_by_template(found)
    looked_at = sum(
        effect.problems >= FEWEST_PROBLEMS
        for row in plain
        for effect in (*([row.effect] if row.effect else []), *row.by_group.values())
    )
    rows = credit_by_template(found, confidence=1 - (1 - CONFIDENCE) / max(1, looked_at))
    return [*_harmful(rows), *_doubled(rows, library), *_mixed(rows)]


def _harmful(rows: Sequence[TemplateCredit]) -> list[Proposal]:
    return [
        Proposal(
            action=RETIRE,
            templates=(row.template_id,),
            names=(row.name,),
            why=f"plans with it are worse: {_words(row.effect)}",
        )
        for row in rows
        if row.effect and row.effect.interval and row.effect.interval[1] < 0
    ]


def _doubled(rows: Sequence[TemplateCredit], library: TemplateLibrary) -> list[Proposal]:
    """Near-doubles, unless the run shows that one is worth more than the other."""
    known = {row.template_id: row for row in rows}
    proposals = []
    for pair in near_doubles(library.templates):
        both = [library.templates[place] for place in (pair.first, pair.second)]
        if not _told_apart([known.get(template.id) for template in both]):
            both.sort(key=lambda template: -(known[template.id].plans if template.id in known else 0))
            proposals.append(
                Proposal(
                    action=MERGE,
                    templates=tuple(template.id for template in both),
                    names=tuple(template.name for template in both),
                    why=f"likeness {pair.likeness:.2f}, and no difference in reward is shown",
                )
            )
    return proposals


def _told_apart(rows: Sequence[TemplateCredit | None]) -> bool:
    intervals = [row.effect.interval for row in rows if row and row.effect and row.effect.interval]
    return len(intervals) == 2 and max(low for low, _ in intervals) > min(high for _, high in intervals)


def _mixed(rows: Sequence[TemplateCredit]) -> list[Proposal]:
    proposals = []
    for row in rows:
        intervals = {group: each.interval for group, each in row.by_group.items() if each.interval}
        helps = [group for group, (low, _) in intervals.items() if low > 0]
        harms = [group for group, (_, high) in intervals.items() if high < 0]
        if helps and harms:
            why = f"better on {', '.join(helps)}; worse on {', '.join(harms)}"
            proposals.append(Proposal(action=SPLIT, templates=(row.template_id,), names=(row.name,), why=why))
    return proposals


def _words(effect: Effect) -> str:
    low, high = effect.interval or (float("nan"), float("nan"))
    return f"{effect.mean:+.3f} ({low:+.3f} to {high:+.3f}) on {effect.problems} problems"
