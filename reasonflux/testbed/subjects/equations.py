"""Equations in one unknown: c1·x + c0 = d1·x + d0, a bracket c1·(x + c0) = d0, or a square (x − h)² = v."""

from collections.abc import Iterator
from math import isqrt

from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.templates import Effect, WorldTemplate, added, divided, found, multiplied, subtracted


def _root(v: int) -> Effect:
    root = isqrt(v)
    return found(f"sqrt {v}={root}", root, root=root)


def _less_multiple(square: int, product: int, factor: int) -> Effect:
    multiple = multiplied("multiple", factor, product)
    rest = subtracted("rest", square, multiple.value)
    return found(f"{multiple.line}, {rest.line}", rest.value)


TEMPLATES = (
    WorldTemplate(
        name="Isolate the Term",
        type="Equation Method",
        tags=("algebra", "linear"),
        description="Bring the constant of the left side to the right by subtracting it.",
        scenarios=("A constant is added to the unknown's term",),
        steps=("Read the constants of both sides", "Subtract the left one from the right one"),
        needs=("d0", "c0"),
        apply=lambda d0, c0: subtracted("right", d0, c0),
    ),
    WorldTemplate(
        name="Move with Same Sign",
        type="Equation Method",
        tags=("algebra", "linear"),
        description="Gather the constants of both sides by adding them.",
        scenarios=("A constant is subtracted from the unknown's term",),
        steps=("Read the constants of both sides", "Add them"),
        needs=("d0", "c0"),
        apply=lambda d0, c0: added("right", d0, c0),
    ),
    WorldTemplate(
        name="Collect the Variables",
        type="Equation Method",
        tags=("algebra", "linear"),
        description="Bring all terms of the unknown to the left.",
        scenarios=("The unknown stands on both sides",),
        steps=("Read both coefficients", "Subtract the right one from the left one"),
        needs=("c1", "d1"),
        apply=lambda c1, d1: subtracted("c1", c1, d1),
    ),
    WorldTemplate(
        name="Divide by the Coefficient",
        type="Equation Method",
        tags=("algebra", "linear"),
        description="Undo the multiplication of the unknown at the end.",
        scenarios=("A multiple of the unknown equals a number",),
        steps=("Take the constant on the right", "Divide it by the coefficient"),
        needs=("right", "c1"),
        apply=lambda right, c1: divided("solution", right, c1),
    ),
    WorldTemplate(
        name="Divide Both Sides",
        type="Equation Method",
        tags=("algebra", "bracket"),
        description="Remove the factor in front of a bracket.",
        scenarios=("A number times a bracket equals a number",),
        steps=("Read the factor of the bracket", "Divide the right side by it"),
        needs=("d0", "c1"),
        apply=lambda d0, c1: divided("inner", d0, c1),
    ),
    WorldTemplate(
        name="Undo the Shift",
        type="Equation Method",
        tags=("algebra", "bracket"),
        description="Free the unknown from the number added to it inside a bracket.",
        scenarios=("The value of a bracket is known",),
        steps=("Take the value of the bracket", "Subtract the number added inside"),
        needs=("inner", "c0"),
        apply=lambda inner, c0: subtracted("solution", inner, c0),
    ),
    WorldTemplate(
        name="Square Root",
        type="Equation Method",
        tags=("algebra", "quadratic"),
        description="Undo a square.",
        scenarios=("A squared bracket equals a square number",),
        steps=("Read the square number", "Find the number whose square it is"),
        needs=("v",),
        apply=_root,
    ),
    WorldTemplate(
        name="Add the Root",
        type="Equation Method",
        tags=("algebra", "quadratic"),
        description="Find the larger solution from the centre and the root.",
        scenarios=("The larger solution of a squared bracket is asked for",),
        steps=("Take the number subtracted in the bracket", "Add the root"),
        needs=("h", "root"),
        apply=lambda h, root: added("solution", h, root),
    ),
    WorldTemplate(
        name="Subtract the Root",
        type="Equation Method",
        tags=("algebra", "quadratic"),
        description="Find the smaller solution from the centre and the root.",
        scenarios=("The smaller solution of a squared bracket is asked for",),
        steps=("Take the number subtracted in the bracket", "Subtract the root"),
        needs=("h", "root"),
        apply=lambda h, root: subtracted("solution", h, root),
    ),
    WorldTemplate(
        name="Square the Sum",
        type="Identity Method",
        tags=("algebra", "identity"),
        description="Square the sum of two unknowns.",
        scenarios=("Sum and product of two numbers are known",),
        steps=("Read the sum", "Multiply it by itself"),
        needs=("s",),
        apply=lambda s: found(f"{s}*{s}={s * s}", s * s, square=s * s),
    ),
    WorldTemplate(
        name="Subtract Twice the Product",
        type="Identity Method",
        tags=("algebra", "identity"),
        description="Turn the square of a sum into the sum of the squares.",
        scenarios=("The sum of the squares of two numbers is asked for",),
        steps=("Double the product", "Subtract it from the square"),
        needs=("square", "product"),
        apply=lambda square, product: _less_multiple(square, product, 2),
    ),
    WorldTemplate(
        name="Subtract Four Products",
        type="Identity Method",
        tags=("algebra", "quadratic"),
        description="Turn the square of a sum into the square of the difference.",
        scenarios=("The discriminant of a quadratic equation is asked for",),
        steps=("Multiply the product by four", "Subtract it from the square"),
        needs=("square", "product"),
        apply=lambda square, product: _less_multiple(square, product, 4),
    ),
)


def _one_sided() -> Iterator[Numbers]:
    return ({"c1": c, "c0": b, "d0": c * x + b} for c in range(2, 13) for x in range(2, 13) for b in range(1, 25))


def _two_sided() -> Iterator[Numbers]:
    heads = [(k, x, e) for k in range(2, 10) for x in range(2, 13) for e in range(1, 8)]
    return ({"c1": e + k, "c0": b, "d1": e, "d0": k * x + b} for k, x, e in heads for b in range(1, 21))


def _brackets() -> Iterator[Numbers]:
    sums = [(x, b) for x in range(2, 12) for b in range(1, 12)]
    return ({"c1": c, "c0": b, "d0": c * (x + b)} for c in range(2, 10) for x, b in sums if x + b <= 15)


def _squares() -> Iterator[Numbers]:
    return ({"h": h, "v": root * root} for h in range(14, 45) for root in range(2, 14))


def _sum_and_product() -> Iterator[Numbers]:
    return ({"s": s, "product": p} for s in range(6, 26) for p in range(2, 26) if s * s >= 4 * p)


FAMILIES = (
    Family(
        name="one_sided",
        tags=("algebra", "linear equation"),
        numbers=_one_sided,
        phrasings=(
            "Solve {c1}x+{c0}={d0} for x.",
            "{who} thinks of a number, multiplies it by {c1} and adds {c0}. The result is {d0}. What is the number?",
            "A taxi takes {c0} dollars plus {c1} dollars per mile. A ride costs {d0} dollars. How many miles was it?",
            "After {c0} pages on Monday, {who} reads {c1} pages a day and is now at page {d0}. How many days was that?",
        ),
        plan=("Isolate the Term", "Divide by the Coefficient"),
        tempting=("Move with Same Sign", "Divide by the Coefficient"),
    ),
    Family(
        name="two_sided",
        tags=("algebra", "linear equation", "unknown on both sides"),
        numbers=_two_sided,
        phrasings=(
            "Solve {c1}x+{c0}={d1}x+{d0} for x.",
            "Plan A costs {c0} dollars plus {c1} per hour. Plan B costs {d0} dollars plus {d1} per hour. "
            "After how many hours do they cost the same?",
            "{who} has {c0} coins and saves {c1} a day. A friend has {d0} coins and saves {d1} a day. "
            "After how many days do they have equally many?",
            "One plant is {c0} mm tall and grows {c1} mm a day, another is {d0} mm tall and grows {d1} mm a day. "
            "After how many days are they equally tall?",
        ),
        plan=("Collect the Variables", "Isolate the Term", "Divide by the Coefficient"),
        tempting=("Isolate the Term", "Divide by the Coefficient"),
    ),
    Family(
        name="bracket",
        tags=("algebra", "linear equation", "bracket"),
        numbers=_brackets,
        phrasings=(
            "Solve {c1}(x+{c0})={d0} for x.",
            "{who} thinks of a number, adds {c0} and multiplies the sum by {c1}. "
            "The result is {d0}. What is the number?",
            "Each of {c1} bags holds some apples and {c0} pears. There are {d0} fruits. How many apples are in a bag?",
            "A ticket and a drink of {c0} dollars are bought for each of {c1} people. It costs {d0} dollars. "
            "What does a ticket cost?",
        ),
        plan=("Divide Both Sides", "Undo the Shift"),
        tempting=("Isolate the Term", "Divide by the Coefficient"),
    ),
    Family(
        name="larger_solution",
        tags=("algebra", "quadratic equation", "larger solution"),
        numbers=_squares,
        phrasings=(
            "Find the larger solution of (x-{h})^2={v}.",
            "The square of a number minus {h} is {v}. What is the largest such number?",
            "{who} subtracts {h} from a number, squares the result and gets {v}. What is the number at most?",
            "A square tile of area {v} is laid from mark {h} to the right. At which mark does it end?",
        ),
        plan=("Square Root", "Add the Root"),
        tempting=("Square Root",),
    ),
    Family(
        name="smaller_solution",
        tags=("algebra", "quadratic equation", "smaller solution"),
        numbers=_squares,
        phrasings=(
            "Find the smaller solution of (x-{h})^2={v}.",
            "The square of a number minus {h} is {v}. What is the smallest such number?",
            "{who} subtracts {h} from a number, squares the result and gets {v}. What is the number at least?",
            "A square tile of area {v} is laid from mark {h} to the left. At which mark does it end?",
        ),
        plan=("Square Root", "Subtract the Root"),
        tempting=("Square Root", "Add the Root"),
    ),
    Family(
        name="sum_of_squares",
        tags=("algebra", "quadratic equation", "sum of squares"),
        numbers=_sum_and_product,
        phrasings=(
            "Find the sum of the squares of the roots of x^2-{s}x+{product}=0.",
            "Two numbers have sum {s} and product {product}. Find the sum of their squares.",
            "Two sides of a yard add up to {s} m and its area is {product} square metres. "
            "What do the squares over both sides measure together?",
            "If u+v={s} and uv={product}, what is u^2+v^2?",
        ),
        plan=("Square the Sum", "Subtract Twice the Product"),
        tempting=("Square the Sum", "Subtract Four Products"),
    ),
)
