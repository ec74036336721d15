"""Whole numbers: a pair `x`, `y`, and for remainders a modulus `m`."""

from collections.abc import Iterator
from math import gcd

from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.templates import (
    Effect,
    NotApplicable,
    WorldTemplate,
    added,
    divided,
    found,
    multiplied,
    subtracted,
)


def _order(x: int, y: int) -> Effect:
    large, small = max(x, y), min(x, y)
    return found(f"{large}, {small}", large, large=large, small=small)


def _euclid(large: int, small: int) -> Effect:
    lines = []
    while small:
        lines.append(f"{large} mod {small}={large % small}")
        large, small = small, large % small
    return found(", ".join(lines), large, divisor=large)


def _reduce_each(x: int, y: int, m: int) -> Effect:
    return found(f"{x} mod {m}={x % m}, {y} mod {m}={y % m}", y % m, first=x % m, second=y % m)


def _reduce_again(residue: int, m: int) -> Effect:
    if m == 0:
        raise NotApplicable("no modulus")
    return found(f"{residue} mod {m}={residue % m}", residue % m)


TEMPLATES = (
    WorldTemplate(
        name="Order the Pair",
        type="Preparation Method",
        tags=("number theory", "integers"),
        description="Put the larger of two numbers first.",
        scenarios=("An algorithm wants the larger number first",),
        steps=("Compare the two numbers", "Write the larger and then the smaller"),
        needs=("x", "y"),
        apply=_order,
    ),
    WorldTemplate(
        name="Euclidean Algorithm",
        type="Division Method",
        tags=("number theory", "divisor"),
        description="Replace the larger number by the remainder until nothing is left.",
        scenarios=(
            "The greatest common divisor of two numbers is asked for",
            "Things are put in equal bags without a rest",
        ),
        steps=(
            "Divide the larger number by the smaller and keep the remainder",
            "Go on with the smaller number and the remainder",
            "The last divisor is the greatest common divisor",
        ),
        needs=("large", "small"),
        apply=_euclid,
    ),
    WorldTemplate(
        name="Subtract the Pair",
        type="Arithmetic Method",
        tags=("number theory", "difference"),
        description="Find how far two numbers are apart.",
        scenarios=("The distance of two numbers is asked for",),
        steps=("Take the larger and the smaller number", "Subtract"),
        needs=("large", "small"),
        apply=lambda large, small: subtracted("gap", large, small),
    ),
    WorldTemplate(
        name="Reduce Each Number",
        type="Modular Method",
        tags=("number theory", "modular"),
        description="Replace each number by its remainder.",
        scenarios=("Only the remainder of a sum or a product matters",),
        steps=("Divide each number by the modulus", "Keep both remainders"),
        needs=("x", "y", "m"),
        apply=_reduce_each,
    ),
    WorldTemplate(
        name="Multiply the Residues",
        type="Modular Method",
        tags=("number theory", "modular"),
        description="Multiply the two remainders instead of the numbers.",
        scenarios=("The remainder of a product is asked for",),
        steps=("Take both remainders", "Multiply them"),
        needs=("first", "second"),
        apply=lambda first, second: multiplied("residue", first, second),
    ),
    WorldTemplate(
        name="Add the Residues",
        type="Modular Method",
        tags=("number theory", "modular"),
        description="Add the two remainders instead of the numbers.",
        scenarios=("The remainder of a sum is asked for",),
        steps=("Take both remainders", "Add them"),
        needs=("first", "second"),
        apply=lambda first, second: added("residue", first, second),
    ),
    WorldTemplate(
        name="Reduce Once More",
        type="Modular Method",
        tags=("number theory", "modular"),
        description="Bring a result of remainders below the modulus.",
        scenarios=("A sum or product of remainders may exceed the modulus",),
        steps=("Divide the result by the modulus", "Keep the remainder"),
        needs=("residue", "m"),
        apply=_reduce_again,
    ),
    WorldTemplate(
        name="Keep the Quotient",
        type="Division Method",
        tags=("number theory", "division"),
        description="Find how often the modulus goes into a result.",
        scenarios=("The number of full groups is asked for",),
        steps=("Divide the result by the modulus", "Drop the remainder"),
        needs=("residue", "m"),
        apply=lambda residue, m: divided("quotient", residue, m),
    ),
)


def _common_divisors() -> Iterator[Numbers]:
    pairs = ((x, y) for x in range(6, 61) for y in range(6, 61) if x != y)
    return ({"x": x, "y": y} for x, y in pairs if gcd(x, y) > 2)


def _remainders() -> Iterator[Numbers]:
    return ({"x": x, "y": y, "m": m} for x in range(10, 41) for y in range(10, 41) for m in range(3, 10))


FAMILIES = (
    Family(
        name="common_divisor",
        tags=("number theory", "greatest common divisor"),
        numbers=_common_divisors,
        phrasings=(
            "Find the greatest common divisor of {x} and {y}.",
            "{who} has {x} red and {y} blue beads. What is the largest number of equal bags that uses them all?",
            "Two ropes of {x} m and {y} m are cut into equal pieces without a rest. How long can a piece be at most?",
            "What is the largest whole number that divides both {x} and {y}?",
        ),
        plan=("Order the Pair", "Euclidean Algorithm"),
        tempting=("Order the Pair", "Subtract the Pair"),
    ),
    Family(
        name="product_remainder",
        tags=("number theory", "remainder", "product"),
        numbers=_remainders,
        phrasings=(
            "What is the remainder when {x} times {y} is divided by {m}?",
            "{who} fills {x} boxes with {y} pens each and then packs all pens in groups of {m}. "
            "How many pens are left over?",
            "A field has {x} rows of {y} plants. They are sold in trays of {m}. How many plants remain?",
            "Multiply {x} by {y} and divide by {m}. Which remainder do you get?",
        ),
        plan=("Reduce Each Number", "Multiply the Residues", "Reduce Once More"),
        tempting=("Reduce Each Number", "Add the Residues", "Reduce Once More"),
    ),
    Family(
        name="sum_remainder",
        tags=("number theory", "remainder", "sum"),
        numbers=_remainders,
        phrasings=(
            "What is the remainder when {x} plus {y} is divided by {m}?",
            "{who} has {x} pens, buys {y} more and then packs all pens in groups of {m}. How many pens are left over?",
            "Classes of {x} and {y} children form teams of {m}. How many children remain?",
            "Add {x} and {y} and divide by {m}. Which remainder do you get?",
        ),
        plan=("Reduce Each Number", "Add the Residues", "Reduce Once More"),
        tempting=("Reduce Each Number", "Add the Residues", "Keep the Quotient"),
    ),
)
