"""Rectangles: a perimeter or an area and one `side`, or both sides; a fence may leave a `gate` open."""

from collections.abc import Iterator

from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.templates import WorldTemplate, added, divided, multiplied, subtracted

TEMPLATES = (
    WorldTemplate(
        name="Half the Perimeter",
        type="Geometry Method",
        tags=("geometry", "rectangle"),
        description="Half the perimeter of a rectangle is length plus width.",
        scenarios=("The perimeter of a rectangle is known",),
        steps=("Read the perimeter", "Divide it by two"),
        needs=("perimeter",),
        apply=lambda perimeter: divided("half", perimeter, 2),
    ),
    WorldTemplate(
        name="Subtract the Side",
        type="Geometry Method",
        tags=("geometry", "rectangle"),
        description="Find the other side from the sum of both.",
        scenarios=("Length plus width and one side are known",),
        steps=("Take the sum of the sides", "Subtract the known side"),
        needs=("half", "side"),
        apply=lambda half, side: subtracted("other", half, side),
    ),
    WorldTemplate(
        name="Multiply the Sides",
        type="Geometry Method",
        tags=("geometry", "area"),
        description="Find the area from both sides.",
        scenarios=("Both sides of a rectangle are known and its area is wanted",),
        steps=("Take both sides", "Multiply them"),
        needs=("other", "side"),
        apply=lambda other, side: multiplied("area", other, side),
    ),
    WorldTemplate(
        name="Divide Area by Side",
        type="Geometry Method",
        tags=("geometry", "area"),
        description="Find the other side from the area.",
        scenarios=("Area and one side of a rectangle are known",),
        steps=("Read area and side", "Divide the area by the side"),
        needs=("area", "side"),
        apply=lambda area, side: divided("other", area, side),
    ),
    WorldTemplate(
        name="Add the Sides",
        type="Geometry Method",
        tags=("geometry", "rectangle"),
        description="Add length and width.",
        scenarios=("Both sides of a rectangle are known",),
        steps=("Take both sides", "Add them"),
        needs=("side", "other"),
        apply=lambda side, other: added("half", side, other),
    ),
    WorldTemplate(
        name="Double the Half",
        type="Geometry Method",
        tags=("geometry", "perimeter"),
        description="Double length plus width to get the perimeter.",
        scenarios=("Length plus width is known and the perimeter is wanted",),
        steps=("Take length plus width", "Multiply it by two"),
        needs=("half",),
        apply=lambda half: multiplied("perimeter", half, 2),
    ),
    WorldTemplate(
        name="Subtract the Gate",
        type="Geometry Method",
        tags=("geometry", "fence"),
        description="Leave a gate out of a fence.",
        scenarios=("A fence goes around a yard except for a gate",),
        steps=("Take the perimeter", "Subtract the width of the gate"),
        needs=("perimeter", "gate"),
        apply=lambda perimeter, gate: subtracted("fence", perimeter, gate),
    ),
    WorldTemplate(
        name="Square the Side",
        type="Geometry Method",
        tags=("geometry", "square"),
        description="Find the area of a square from one side.",
        scenarios=("All sides are equal",),
        steps=("Read the side", "Multiply it by itself"),
        needs=("side",),
        apply=lambda side: multiplied("area", side, side),
    ),
)


def _perimeters() -> Iterator[Numbers]:
    return ({"perimeter": 2 * (a + b), "side": a} for a in range(2, 10) for b in range(2, 42) if a != b)


def _fences() -> Iterator[Numbers]:
    return ({"area": a * b, "side": a, "gate": g} for a in range(2, 13) for b in range(2, 13) for g in range(1, 6))


def _yards() -> Iterator[Numbers]:
    return ({"side": a, "other": b, "gate": g} for a in range(3, 16) for b in range(3, 16) for g in range(1, 6))


FAMILIES = (
    Family(
        name="area_from_perimeter",
        tags=("geometry", "rectangle", "area"),
        numbers=_perimeters,
        phrasings=(
            "A rectangle has perimeter {perimeter} and one side {side}. Find its area.",
            "A fence of {perimeter} metres surrounds a rectangular yard with one side of {side} metres. "
            "What is the area of the yard?",
            "{who} bends a wire of {perimeter} cm to a rectangle with a side of {side} cm. Which area does it enclose?",
            "Walking once around a rectangular pool is {perimeter} m, and one side is {side} m. What is its area?",
        ),
        plan=("Half the Perimeter", "Subtract the Side", "Multiply the Sides"),
        tempting=("Half the Perimeter", "Subtract the Side"),
    ),
    Family(
        name="fence_from_area",
        tags=("geometry", "rectangle", "fence", "area"),
        numbers=_fences,
        phrasings=(
            "A rectangular yard of {area} square metres has one side of {side} metres. "
            "A fence goes around it except for a gate of {gate} metres. How long is the fence?",
            "{who} fences a rectangular field of {area} square metres with one side of {side} m and leaves "
            "{gate} m open. How much fence is needed?",
            "A rectangle has area {area} and one side {side}. Its border is drawn except for {gate} cm. "
            "How long is the line?",
            "A wall surrounds a rectangular court of {area} square metres, {side} metres wide, but for an entrance of "
            "{gate} metres. How long is the wall?",
        ),
        plan=("Divide Area by Side", "Add the Sides", "Double the Half", "Subtract the Gate"),
        tempting=("Divide Area by Side", "Add the Sides", "Double the Half"),
    ),
    Family(
        name="fence_from_sides",
        tags=("geometry", "rectangle", "fence"),
        numbers=_yards,
        phrasings=(
            "A rectangular yard has sides of {side} and {other} metres. A fence goes around it except for a gate of "
            "{gate} metres. How long is the fence?",
            "{who} fences a rectangular field of {side} m by {other} m and leaves "
            "{gate} m open. How much fence is needed?",
            "A rectangle has sides {side} and {other}. Its border is drawn except for {gate} cm. How long is the line?",
            "A wall surrounds a rectangular court of {side} metres by {other} metres but for an entrance of "
            "{gate} metres. How long is the wall?",
        ),
        plan=("Add the Sides", "Double the Half", "Subtract the Gate"),
        tempting=("Multiply the Sides", "Subtract the Gate"),
        held_out=True,
    ),
)
