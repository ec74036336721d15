"""Which of the possible pairs of one problem are taken."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True)
class Side:
    """A text that may be chosen or rejected, and the score that decides."""

    id: str  # of the trajectory or rollout
    text: str
    score: float  # in 0..1
    n: int  # rollouts behind the score
    standard_error: float | None
    multiplicity: int  # draws that gave this very text


class Edge(NamedTuple):
    """A possible pair."""

    chosen: Side
    rejected: Side
    margin: float

    @classmethod
    def of(cls, chosen: Side, rejected: Side) -> "Edge":
        """The edge between two sides, its margin free of the last digits' noise (.7 − .45 is .25)."""
        return cls(chosen, rejected, round(chosen.score - rejected.score, 9))


def edges_of(sides: Sequence[Side], margin: float) -> list[Edge]:
    """Every ordered two of `sides` whose scores differ by at least `margin` > 0; a tie is none, nor is a reverse.

    Quadratic in the texts of one problem (tens), never in problems.
    """
    edges = (Edge.of(chosen, rejected) for chosen in sides for rejected in sides if chosen.score > rejected.score)
    return [edge for edge in edges if edge.margin > 0 and edge.margin >= round(margin, 9)]


def select(edges: Iterable[Edge], limit: int, balance: bool) -> list[Edge]:
    """At most `limit` of one problem's edges, the largest margins first.

    A score is a share of few rollouts, so a large margin is the best guard against a pair that chance has ordered.
    Margins alone would set the best text against everything else, and DPO would then learn one text a problem: with
    `balance`, none is chosen, nor rejected, in more than half of the pairs taken, rounded up. Among equal margins,
    texts that stand in fewer pairs so far come first, then lower ids; ids are digests, so that this order favours
    nothing and does not depend on the order of the input.

    Greedy: as many pairs as it can take under the bound, which may be fewer than the most that exist (with scores
    0, .5 and 1 and a limit of 2, the pair of 1 and 0 is taken and leaves no second one).
    """
    ordered = sorted(edges, key=lambda edge: (-edge.margin, edge.chosen.id, edge.rejected.id))
    for count in range(min(limit, len(ordered)), 0, -1):
        most = (count + 1) // 2 if balance else count
        taken = _take(ordered, count, most)
        if len(taken) == count:
            return taken
    return []


def _take(ordered: Sequence[Edge], count: int, most: int) -> list[Edge]:
    """Up to `count` edges, each side at most `most` times chosen and `most` times rejected."""
    chosen: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    left = list(ordered)
    taken: list[Edge] = []
    while len(taken) < count:
        left = [edge for edge in left if chosen[edge.chosen.id] < most and rejected[edge.rejected.id] < most]
        if not left:
            break
        # `left` is sorted by margin and id and min() is stable, so that only the uses so far need saying
        equal = takewhile(lambda other: other.margin == left[0].margin, left)  # noqa: B023 - used at once
        edge = min(equal, key=lambda other: chosen[other.chosen.id] + rejected[other.rejected.id])
        left.remove(edge)
        taken.append(edge)
        chosen[edge.chosen.id] += 1
        rejected[edge.rejected.id] += 1
    return taken
