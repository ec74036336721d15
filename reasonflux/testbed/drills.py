"""Lines of plain arithmetic for the reasoner's training: every kind of fact that a step of this world writes."""

import random
from collections.abc import Callable
from math import isqrt

Fact = tuple[str, str]  # what is given, what has to be known
FACTS_PER_LINE = 14


def _add(rng: random.Random) -> Fact:
    a, b = rng.randint(0, rng.choice([40, 120, 400])), rng.randint(0, rng.choice([20, 60, 370]))
    return f"{a}+{b}=", str(a + b)


def _subtract(rng: random.Random) -> Fact:
    b = rng.randint(0, rng.choice([20, 60, 360]))
    a = b + rng.randint(0, rng.choice([15, 40, 200]))
    return f"{a}-{b}=", str(a - b)


def _table(rng: random.Random) -> Fact:
    a, b = rng.randint(1, 12), rng.randint(1, 12)
    return f"{a}*{b}=", str(a * b)


def _long_product(rng: random.Random) -> Fact:
    a, b = rng.randint(10, rng.choice([50, 90])), rng.randint(2, 9)
    return (f"{a}*{b}=" if rng.random() < 0.7 else f"{b}*{a}="), str(a * b)


def _divide(rng: random.Random) -> Fact:
    b, quotient = rng.randint(2, 14), rng.randint(1, 15)
    remainder = rng.randrange(b) if rng.random() < 0.2 else 0
    return f"{b * quotient + remainder}/{b}=", f"{quotient} r {remainder}" if remainder else f"{quotient}"


def _halve(rng: random.Random) -> Fact:
    a = rng.randint(1, rng.choice([30, 60]))
    return f"{2 * a}/2=", str(a)


def _remainder(rng: random.Random) -> Fact:
    b = rng.choice([rng.randint(2, 9), rng.randint(3, 30)])
    a = b * rng.randint(0, max(1, 60 // b)) + rng.randrange(b)
    return f"{a} mod {b}=", str(a % b)


def _square(rng: random.Random) -> Fact:
    a = rng.randint(2, 25)
    return f"{a}*{a}=", str(a * a)


def _root(rng: random.Random) -> Fact:
    a = rng.randint(2, 13)
    return f"sqrt {a * a}=", str(isqrt(a * a))


def _tenth(rng: random.Random) -> Fact:
    a = rng.randint(1, 41)
    return f"{10 * a}/10=", str(a)


def _sixties(rng: random.Random) -> Fact:
    hours, unit = rng.randint(1, 6), rng.choice([60, 60, 10])
    return f"{hours}*{unit}=", str(hours * unit)


KINDS: dict[Callable[[random.Random], Fact], float] = {
    _add: 4,
    _subtract: 4,
    _table: 3,
    _long_product: 4,
    _divide: 3,
    _halve: 1,
    _remainder: 3,
    _square: 1,
    _root: 0.5,
    _tenth: 0.3,
    _sixties: 0.3,
}


def drill(rng: random.Random) -> list[Fact]:
    """One line of facts, each as (question, answer)."""
    kinds = rng.choices(list(KINDS), weights=list(KINDS.values()), k=FACTS_PER_LINE)
    return [kind(rng) for kind in kinds]
