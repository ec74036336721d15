"""Two unknowns, of which sum `s` and difference `d` are known."""

from collections.abc import Iterator

from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.templates import WorldTemplate, added, divided, multiplied, subtracted

TEMPLATES = (
    WorldTemplate(
        name="Add the Equations",
        type="Elimination Method",
        tags=("algebra", "system"),
        description="Remove the smaller unknown by adding both equations.",
        scenarios=("Sum and difference are known and the larger number is wanted",),
        steps=("Read sum and difference", "Add them"),
        needs=("s", "d"),
        apply=lambda s, d: added("twice", s, d),
    ),
    WorldTemplate(
        name="Subtract the Equations",
        type="Elimination Method",
        tags=("algebra", "system"),
        description="Remove the larger unknown by subtracting the equations.",
        scenarios=("Sum and difference are known and the smaller number is wanted",),
        steps=("Read sum and difference", "Subtract the difference from the sum"),
        needs=("s", "d"),
        apply=lambda s, d: subtracted("twice", s, d),
    ),
    WorldTemplate(
        name="Halve the Result",
        type="Arithmetic Method",
        tags=("algebra", "system"),
        description="Take half of twice the unknown.",
        scenarios=("Twice an unknown is known",),
        steps=("Take the last result", "Divide it by two"),
        needs=("twice",),
        apply=lambda twice: divided("u", twice, 2),
    ),
    WorldTemplate(
        name="Back Substitution",
        type="Substitution Method",
        tags=("algebra", "system"),
        description="Find the other unknown from the sum.",
        scenarios=("One of two unknowns and their sum are known",),
        steps=("Take the unknown found", "Subtract it from the sum"),
        needs=("s", "u"),
        apply=lambda s, u: subtracted("w", s, u),
    ),
    WorldTemplate(
        name="Multiply the Pair",
        type="Arithmetic Method",
        tags=("algebra", "product"),
        description="Multiply the two unknowns that were found.",
        scenarios=("The product of two numbers is asked for",),
        steps=("Take both unknowns", "Multiply them"),
        needs=("u", "w"),
        apply=lambda u, w: multiplied("product", u, w),
    ),
)


def _any_pair() -> Iterator[Numbers]:
    return ({"s": x + y, "d": x - y} for x in range(4, 36) for y in range(2, x))


def _factors() -> Iterator[Numbers]:
    return ({"s": x + y, "d": x - y} for x in range(10, 51) for y in range(2, 10))


FAMILIES = (
    Family(
        name="larger_number",
        tags=("algebra", "sum and difference", "larger number"),
        numbers=_any_pair,
        phrasings=(
            "Two numbers have sum {s} and difference {d}. Find the larger number.",
            "{who} and a friend have {s} cards together and {who} has {d} more. How many cards does {who} have?",
            "Two ropes measure {s} m together and one is {d} m longer. How long is the longer rope?",
            "A class of {s} children has {d} more girls than boys. How many girls are there?",
        ),
        plan=("Add the Equations", "Halve the Result"),
        tempting=("Add the Equations",),
    ),
    Family(
        name="smaller_number",
        tags=("algebra", "sum and difference", "smaller number"),
        numbers=_any_pair,
        phrasings=(
            "Two numbers have sum {s} and difference {d}. Find the smaller number.",
            "{who} and a friend have {s} cards together and {who} has {d} more. How many cards does the friend have?",
            "Two ropes measure {s} m together and one is {d} m longer. How long is the shorter rope?",
            "A class of {s} children has {d} more girls than boys. How many boys are there?",
        ),
        plan=("Subtract the Equations", "Halve the Result"),
        tempting=("Add the Equations", "Halve the Result"),
    ),
    Family(
        name="product_of_numbers",
        tags=("algebra", "sum and difference", "product"),
        numbers=_factors,
        phrasings=(
            "Two numbers have sum {s} and difference {d}. Find their product.",
            "Two sides of a garden add up to {s} metres and one is {d} metres longer. Find the area.",
            "A hall has {s} rows and columns of chairs together, "
            "and {d} more rows than columns. How many chairs are there?",
            "If u+v={s} and u-v={d}, what is uv?",
        ),
        plan=("Add the Equations", "Halve the Result", "Back Substitution", "Multiply the Pair"),
        tempting=("Add the Equations", "Halve the Result", "Back Substitution"),
    ),
)
