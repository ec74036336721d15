"""What to do about a library after a run: retire what harms, merge what says the same, split what helps here and
harms there. Proposals, for a person or a next round to take up; nothing is changed.

Every interval that a retirement or a split rests on is widened for the number of intervals looked at (Bonferroni), so
that of a run in which no template matters one is proposed in at most 5% of cases.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasonflux.library.credit import FEWEST_PROBLEMS, SEED, Effect, TemplateCredit, Use, credit_by_template
from reasonflux.library.doubles import near_doubles
from reasonflux.library.load import TemplateLibrary
from reasonflux.statistics import CONFIDENCE, mean_interval

RETIRE, MERGE, SPLIT = "retire", "merge", "split"
MOST_APART = 0.25  # upper bound of a double's mean distance in reward; noise of a few rollouts alone makes 0.2


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
    return [*_harmful(rows), *_doubled(found, library), *_mixed(rows)]


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


def _doubled(found: Sequence[Use], library: TemplateLibrary) -> list[Proposal]:
    """Near-doubles that plans could use for each other: on the same problems they led to nearly the same rewards.

    Texts alone do not tell a double from an opposite, such as adding and subtracting.
    """
    by_template: dict[str, dict[str, Use]] = defaultdict(dict)
    for use in found:
        by_template[use.template_id][use.problem_id] = use
    proposals = []
    for pair in near_doubles(library.templates):
        both = [library.templates[place] for place in (pair.first, pair.second)]
        apart = _distances(*(by_template[template.id] for template in both))
        if len(apart) >= FEWEST_PROBLEMS and mean_interval(apart, seed=SEED)[1] <= MOST_APART:
            both.sort(key=lambda template: -sum(use.plans_with for use in by_template[template.id].values()))
            distance = sum(apart) / len(apart)
            proposals.append(
                Proposal(
                    action=MERGE,
                    templates=tuple(template.id for template in both),
                    names=tuple(template.name for template in both),
                    why=f"likeness {pair.likeness:.2f}; rewards {distance:.3f} apart on {len(apart)} problems",
                )
            )
    return proposals


def _distances(one: Mapping[str, Use], other: Mapping[str, Use]) -> list[float]:
    """|reward with one − reward with the other|, over problems with plans of each and none of both."""
    return [
        abs(one[problem].reward_with - other[problem].reward_with)
        for problem in sorted(one.keys() & other.keys())
        if not set(one[problem].plans) & set(other[problem].plans)
    ]


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
