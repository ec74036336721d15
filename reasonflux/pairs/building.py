"""What both kinds of pairs share: a record out of two sides, no doubles, and the count of what gave none."""

from collections import Counter
from collections.abc import Iterable, Mapping

from reasonflux.identity import digest
from reasonflux.pairs.provenance import Provenance, Role
from reasonflux.pairs.report import Built, NoPair, PairReport
from reasonflux.pairs.selection import Edge
from reasonflux.records import Message, Pair


def pair_of(
    role: Role,
    edge: Edge,
    prompt: tuple[Message, ...],
    provenance: Provenance,
    *,
    problem_id: str,
    trajectory_id: str | None = None,
) -> Pair:
    """The pair of an edge. The reasoner stands in its id: another one's rewards make another pair of the same plans."""
    chosen, rejected, margin = edge
    return Pair(
        prompt=prompt,
        chosen=(Message(role="assistant", content=chosen.text),),
        rejected=(Message(role="assistant", content=rejected.text),),
        score_chosen=chosen.score,
        score_rejected=rejected.score,
        margin=margin,
        n_chosen=chosen.n,
        n_rejected=rejected.n,
        standard_error_chosen=chosen.standard_error,
        standard_error_rejected=rejected.standard_error,
        multiplicity_chosen=chosen.multiplicity,
        multiplicity_rejected=rejected.multiplicity,
        id=digest("pair", role, chosen.id, rejected.id, provenance.reasoner),
        role=role.value,
        problem_id=problem_id,
        trajectory_id=trajectory_id,
        chosen_id=chosen.id,
        rejected_id=rejected.id,
        checkpoint=provenance.navigator if role is Role.NAVIGATOR else provenance.reasoner,
        reasoner=provenance.reasoner,
        library=provenance.library,
        prompts=provenance.prompts,
        round=provenance.round,
    )


def built_of(groups: Mapping[tuple[str, str], list[Pair] | NoPair]) -> Built:
    """The pairs of all groups without doubles, and the report; a group is its pairs, or why there are none."""
    kept = without_doubles(pair for group in groups.values() if isinstance(group, list) for pair in group)
    ids = {pair.id for pair in kept}
    reasons: Counter[str] = Counter()
    for group in groups.values():
        if isinstance(group, NoPair):
            reasons[group.value] += 1
        elif not any(pair.id in ids for pair in group):
            reasons[NoPair.DUPLICATE.value] += 1
    report = PairReport(
        groups=len(groups),
        paired=len(groups) - reasons.total(),
        pairs=len(kept),
        no_pair=dict(sorted(reasons.items())),
    )
    return Built(pairs=kept, report=report)


def without_doubles(pairs: Iterable[Pair]) -> list[Pair]:
    """One pair for each prompt and two texts, whichever was chosen: the one with the largest margin, then lowest id.

    Problems of the same text under different ids give equal pairs, or a pair and its reverse. Sorted by problem and
    id, so that the result does not depend on the order of the input.
    """
    best: dict[object, Pair] = {}
    for pair in sorted(pairs, key=lambda pair: (-pair.margin, pair.id)):
        best.setdefault((pair.prompt, frozenset((pair.chosen, pair.rejected))), pair)
    return sorted(best.values(), key=lambda pair: (pair.problem_id, pair.id))


def one_prompt(prompts: Iterable[tuple[Message, ...]], what: str) -> tuple[Message, ...]:
    """The prompt that all rows of a group share; raises `ValueError` when they differ, for then nothing compares."""
    distinct = set(prompts)
    if len(distinct) != 1:
        raise ValueError(f"{what} was asked with {len(distinct)} different prompts; a pair needs one")
    return distinct.pop()
