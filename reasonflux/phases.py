"""How many replicas each role should have, within a cluster: the planner of roles that share it.

A role ends when what waits is done: the age of the oldest request that waits, and the work that waits, in seconds of
one replica, over the replicas. The role that would end last gets the next replica; one that ends before a role that can
have no more gets none. Work follows measured lengths. Pure: equal measurements give equal sizes.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reasonflux.errors import BadInput

Sizes = dict[str, int]  # replicas by role


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a role has to do, as measured now."""

    requests: int  # that wait or run, and that will follow from the work of others
    request_s: float  # of a full replica's time, that one takes: by measured lengths
    oldest_s: float = 0.0  # age of the oldest that waits

    def end_s(self, replicas: int) -> float:
        """Seconds until its last request is done, the age of the oldest one added; 0 without requests."""
        if not self.requests:
            return 0.0
        return self.oldest_s + self.requests * self.request_s / replicas if replicas else math.inf


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A role's replicas. A role that is no engine has processes."""

    takes: Mapping[str, float]  # one of them, by resource of the cluster
    least: int = 0
    most: int | None = None  # None: as many as fit


def sizes(demands: Mapping[str, Demand], shapes: Mapping[str, Shape], capacity: Mapping[str, float]) -> Sizes:
    """Replicas of each role of `shapes`. Raises `BadInput` when the least numbers do not fit."""
    given = {role: shape.least for role, shape in sorted(shapes.items())}
    left = _left(given, shapes, capacity)
    if min(left.values(), default=0.0) < 0:
        what = ", ".join(f"{count} of {role}" for role, count in given.items())
        raise BadInput(f"the least numbers of replicas do not fit together: {what}", "Lower one of them")
    waits = {role for role in given if role in demands and demands[role].requests}
    while waits:
        role = max(sorted(waits), key=lambda each: demands[each].end_s(given[each]))
        shape = shapes[role]
        full = shape.most is not None and given[role] >= shape.most
        if full or any(left.get(name, 0.0) < amount for name, amount in shape.takes.items() if amount):
            horizon = demands[role].end_s(given[role])
            waits = {each for each in waits - {role} if demands[each].end_s(given[each]) > horizon}
            continue
        given[role] += 1
        for name, amount in shape.takes.items():
            left[name] = left.get(name, 0.0) - amount
    return given


def resized(
    now: Mapping[str, int],
    demands: Mapping[str, Demand],
    shapes: Mapping[str, Shape],
    capacity: Mapping[str, float],
    move_s: float,
) -> Sizes:
    """The sizes to have from now on; those of `now` while they fit and others would not end `move_s` earlier.

    `move_s`: seconds in which a replica that changes its role does nothing.
    """
    wanted = sizes(demands, shapes, capacity)
    if min(_left(now, shapes, capacity).values(), default=0.0) < 0:
        return wanted
    gain = _latest(now, demands) - _latest(wanted, demands)
    return wanted if gain > move_s else dict(now)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stage that runs alone, and the sizes for it."""

    stage: str
    sizes: Sizes
    hours: float


def in_turn(
    stages: Sequence[tuple[str, str, Demand]], shapes: Mapping[str, Shape], capacity: Mapping[str, float]
) -> tuple[Phase, ...]:
    """Sizes for stages (name, role, demand) of which each begins when the one before has ended."""
    phases = []
    for name, role, demand in stages:
        alone = sizes({role: demand}, {role: shapes[role]}, capacity)
        phases.append(Phase(stage=name, sizes=alone, hours=demand.end_s(alone[role]) / 3600))
    return tuple(phases)


def best_split(
    stages: Sequence[tuple[str, str, Demand]], shapes: Mapping[str, Shape], capacity: Mapping[str, float]
) -> tuple[Sizes, float]:
    """The sizes that stay for all of such stages and end first, with their hours; of two roles at most."""
    best: tuple[float, Sizes] = (math.inf, {})
    for split in _splits(sorted({role for _, role, _ in stages}), shapes, capacity):
        hours = sum(demand.end_s(split[role]) for _, role, demand in stages) / 3600
        if hours < best[0]:
            best = (hours, split)
    return best[1], best[0]


def _splits(roles: Sequence[str], shapes: Mapping[str, Shape], capacity: Mapping[str, float]) -> Iterator[Sizes]:
    """For each number of the first role, the most of the second that fit beside it."""
    first, *others = roles
    beside = {role: Demand(requests=1, request_s=1.0) for role in others}
    for count in range(max(1, shapes[first].least), (shapes[first].most or sys.maxsize) + 1):
        rest = _left({first: count}, shapes, capacity)
        if min(rest.values()) < 0:
            return
        try:
            yield {first: count} | sizes(beside, {role: shapes[role] for role in others}, rest)
        except BadInput:
            return


def _left(given: Mapping[str, int], shapes: Mapping[str, Shape], capacity: Mapping[str, float]) -> dict[str, float]:
    left = dict(capacity)
    for role, count in given.items():
        for name, amount in shapes[role].takes.items():
            left[name] = left.get(name, 0.0) - count * amount
    return left


def _latest(given: Mapping[str, int], demands: Mapping[str, Demand]) -> float:
    return max((demand.end_s(given.get(role, 0)) for role, demand in demands.items()), default=0.0)
