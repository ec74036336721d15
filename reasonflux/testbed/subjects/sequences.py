"""Sequences: a first term `a`, a step or ratio `k`, an index `n`; or a span `t` cut in periods of `h`."""

from collections.abc import Iterator

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

MOST_REPEATS = 6


def _sum_pairs(pair: int, n: int) -> Effect:
    half = divided("pairs", n, 2)
    total = multiplied("total", pair, half.value)
    return found(f"{half.line}, {total.line}", total.value, total=total.value)


def _repeat_ratio(a: int, k: int, gaps: int) -> Effect:
    return _iterate(a, k, 0, gaps)


def _iterate(a: int, k: int, q: int, gaps: int) -> Effect:
    """Every product and every sum on its own, so that no step has to be done in the head."""
    if not 1 <= gaps <= MOST_REPEATS:
        raise NotApplicable("too many repetitions")
    lines = []
    for _ in range(gaps):
        product = multiplied("term", a, k)
        a = product.value
        lines.append(product.line)
        if q:
            total = added("term", a, q)
            a = total.value
            lines.append(total.line)
    return found(", ".join(lines), a, last=a)


TEMPLATES = (
    WorldTemplate(
        name="Count the Gaps",
        type="Counting Method",
        tags=("sequence", "counting"),
        description="Find how many steps lead from the first term to the wanted term.",
        scenarios=("The wanted term of a sequence is given by its index", "Something changes once between two dates"),
        steps=("Read the index of the wanted term", "Subtract one from the index"),
        needs=("n",),
        apply=lambda n: subtracted("gaps", n, 1),
    ),
    WorldTemplate(
        name="Count Both Ends",
        type="Counting Method",
        tags=("sequence", "counting"),
        description="Count the posts of a row when both of its ends are included.",
        scenarios=("Posts stand along a fence, one at each end",),
        steps=("Read the number of gaps", "Add one for the last end"),
        needs=("n",),
        apply=lambda n: added("gaps", n, 1),
    ),
    WorldTemplate(
        name="Count the Periods",
        type="Counting Method",
        tags=("sequence", "time"),
        description="Find how often a change that returns after a fixed time happens in a span.",
        scenarios=("A change happens every few hours and a whole span is given",),
        steps=("Read the span and the length of one period", "Divide the span by the period"),
        needs=("t", "h"),
        apply=lambda t, h: divided("gaps", t, h),
    ),
    WorldTemplate(
        name="Growth over Gaps",
        type="Arithmetic Method",
        tags=("sequence", "arithmetic"),
        description="Find the total change when every gap adds the same amount.",
        scenarios=("Each term is a fixed amount more than the one before",),
        steps=("Take the number of gaps", "Multiply the common difference by it"),
        needs=("k", "gaps"),
        apply=lambda k, gaps: multiplied("growth", k, gaps),
    ),
    WorldTemplate(
        name="Shift the First Term",
        type="Arithmetic Method",
        tags=("sequence", "arithmetic"),
        description="Reach the wanted term by adding the total change to the first term.",
        scenarios=("First term and total change are known",),
        steps=("Take the total change", "Add it to the first term"),
        needs=("a", "growth"),
        apply=lambda a, growth: added("last", a, growth),
    ),
    WorldTemplate(
        name="Pair First and Last",
        type="Summation Method",
        tags=("sequence", "series"),
        description="Add the two ends of an arithmetic series; every inner pair has the same sum.",
        scenarios=("All terms of an arithmetic sequence are added up",),
        steps=("Take the first and the last term", "Add them"),
        needs=("a", "last"),
        apply=lambda a, last: added("pair", a, last),
    ),
    WorldTemplate(
        name="Sum the Pairs",
        type="Summation Method",
        tags=("sequence", "series"),
        description="Add up a series out of pairs that are all equal.",
        scenarios=("The sum of one pair and the number of terms are known",),
        steps=("Halve the number of terms", "Multiply the sum of one pair by it"),
        needs=("pair", "n"),
        apply=_sum_pairs,
    ),
    WorldTemplate(
        name="Repeat the Ratio",
        type="Iteration Method",
        tags=("sequence", "geometric"),
        description="Multiply by the ratio once per gap and write every term.",
        scenarios=("Something doubles or triples again and again",),
        steps=("Start from the first term", "Multiply by the ratio once per gap"),
        needs=("a", "k", "gaps"),
        apply=_repeat_ratio,
    ),
    WorldTemplate(
        name="Iterate the Rule",
        type="Iteration Method",
        tags=("sequence", "recurrence"),
        description="Apply a rule of one product and one sum again and again.",
        scenarios=("Each term is the one before, multiplied and then raised by a constant",),
        steps=("Start from the first term", "Multiply by the factor", "Add the constant", "Repeat once per gap"),
        needs=("a", "k", "q", "gaps"),
        apply=_iterate,
    ),
)


def _terms() -> Iterator[Numbers]:
    return ({"a": a, "k": k, "n": n} for a in range(2, 21) for k in range(2, 10) for n in range(4, 13))


def _sums() -> Iterator[Numbers]:
    return ({"a": a, "k": k, "n": n} for a in range(1, 19) for k in range(1, 7) for n in (4, 6, 8, 10))


def _growths() -> Iterator[Numbers]:
    repeats = [(2, 2), (2, 3), (2, 4), (3, 2), (3, 3)]
    return ({"a": a, "k": k, "t": h * g, "h": h} for a in range(2, 13) for h in range(2, 10) for k, g in repeats)


def _rules() -> Iterator[Numbers]:
    shapes = [(2, 3), (2, 4), (2, 5), (3, 3)]
    return ({"a": a, "k": k, "q": q, "n": n} for a in range(2, 13) for q in range(1, 10) for k, n in shapes)


def _periods() -> Iterator[Numbers]:
    spans = [(h, g) for h in range(2, 8) for g in range(2, 8)]
    return ({"a": a, "k": k, "t": h * g, "h": h} for a in range(2, 16) for k in range(2, 10) for h, g in spans)


def _period_rules() -> Iterator[Numbers]:
    shapes = [(2, 2), (2, 3), (2, 4), (3, 2)]
    heads = [(a, h) for a in range(2, 13) for h in range(2, 8)]
    return ({"a": a, "k": k, "q": q, "t": h * g, "h": h} for a, h in heads for q in range(1, 10) for k, g in shapes)


FAMILIES = (
    Family(
        name="arithmetic_term",
        tags=("sequence", "arithmetic sequence", "n-th term"),
        numbers=_terms,
        phrasings=(
            "A sequence starts at {a} and each term is {k} more than the one before. Find term {n}.",
            "{who} saves {a} coins in week 1 and {k} more coins every week than in the week before. "
            "How many coins does {who} save in week {n}?",
            "Row 1 of a theatre has {a} seats and every row has {k} seats more than the row in front. "
            "How many seats are in row {n}?",
            "On day 1 a shop sells {a} loaves, and each day {k} more than the day before. How many on day {n}?",
        ),
        plan=("Count the Gaps", "Growth over Gaps", "Shift the First Term"),
        tempting=("Count Both Ends", "Growth over Gaps", "Shift the First Term"),
    ),
    Family(
        name="arithmetic_sum",
        tags=("sequence", "arithmetic sequence", "sum of terms"),
        numbers=_sums,
        phrasings=(
            "A sequence starts at {a} and each term is {k} more than the one before. "
            "Find the sum of the first {n} terms.",
            "{who} saves {a} coins in week 1 and {k} more coins every week than in the week before. "
            "How many coins are saved in {n} weeks altogether?",
            "Row 1 of a theatre has {a} seats and every row has {k} seats more than the row in front. "
            "How many seats are in all {n} rows together?",
            "On day 1 a shop sells {a} loaves, and each day {k} more than the day before. "
            "How many does it sell in the first {n} days in total?",
        ),
        plan=("Count the Gaps", "Growth over Gaps", "Shift the First Term", "Pair First and Last", "Sum the Pairs"),
        tempting=("Count the Gaps", "Growth over Gaps", "Shift the First Term"),
    ),
    Family(
        name="repeated_growth",
        tags=("sequence", "geometric growth", "periods"),
        numbers=_growths,
        phrasings=(
            "A culture of {a} cells grows to {k} times its size every {h} hours. "
            "How many cells are there after {t} hours?",
            "A rumour is known to {a} people. Every {h} days {k} times as many know it. "
            "How many know it after {t} days?",
            "{who} owns {a} plants and every {h} months the number is multiplied by {k}. How many after {t} months?",
            "Starting with {a} users, an app has {k} times its users after each {h} weeks. "
            "How many users after {t} weeks?",
        ),
        plan=("Count the Periods", "Repeat the Ratio"),
        tempting=("Count the Periods", "Growth over Gaps", "Shift the First Term"),
    ),
    Family(
        name="rule_term",
        tags=("sequence", "recurrence", "n-th term"),
        numbers=_rules,
        phrasings=(
            "A sequence starts at {a}. Each next term is {k} times the one before plus {q}. Find term {n}.",
            "A machine shows {a} at turn 1. Each turn the number is multiplied by {k} and then {q} is added. "
            "What does it show at turn {n}?",
            "{who} writes {a} as the first number. Each number after it is {k} times the last one, raised by {q}. "
            "What is number {n}?",
            "In a game the score is {a} in round 1, and each round it becomes {k} times as large and gains {q} points. "
            "What is the score in round {n}?",
        ),
        plan=("Count the Gaps", "Iterate the Rule"),
        tempting=("Count the Gaps", "Repeat the Ratio"),
    ),
    Family(
        name="periodic_increase",
        tags=("sequence", "arithmetic sequence", "periods"),
        numbers=_periods,
        phrasings=(
            "A tank holds {a} litres and gains {k} litres every {h} minutes. "
            "How many litres are in it after {t} minutes?",
            "{who} has {a} stamps and gets {k} more every {h} days. How many stamps after {t} days?",
            "A tree is {a} cm tall and grows {k} cm every {h} weeks. How tall is it after {t} weeks?",
            "A team has {a} points and wins {k} points every {h} games. How many points after {t} games?",
        ),
        plan=("Count the Periods", "Growth over Gaps", "Shift the First Term"),
        tempting=("Count the Periods", "Repeat the Ratio"),
    ),
    Family(
        name="periodic_rule",
        tags=("sequence", "recurrence", "periods"),
        numbers=_period_rules,
        phrasings=(
            "A culture of {a} cells is multiplied by {k} every {h} hours and then {q} cells are added. "
            "How many cells are there after {t} hours?",
            "{who} has {a} points. Every {h} minutes they become {k} times as many, "
            "plus {q}. How many after {t} minutes?",
            "A herd of {a} sheep grows to {k} times its size every {h} years, and then {q} are bought. "
            "How many sheep after {t} years?",
            "An account of {a} dollars is multiplied by {k} every {h} months and {q} dollars are paid in. "
            "How much is in it after {t} months?",
        ),
        plan=("Count the Periods", "Iterate the Rule"),
        tempting=("Count the Periods", "Repeat the Ratio"),
        held_out=True,
    ),
)
