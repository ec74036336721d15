"""Percentages and bills: a base price `b` and a percentage `p`, or `count` things at `price`; a fee or a coupon."""

from collections.abc import Iterator

from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.templates import Effect, WorldTemplate, added, divided, found, multiplied, subtracted


def _scale_tenth(p: int, tenth: int) -> Effect:
    tens = divided("tens", p, 10)
    part = multiplied("part", tenth, tens.value)
    return found(f"{tens.line}, {part.line}", part.value, part=part.value)


TEMPLATES = (
    WorldTemplate(
        name="Tenth of the Base",
        type="Percentage Method",
        tags=("percent", "ratio"),
        description="Find what ten percent of the base is.",
        scenarios=("A percentage that is a multiple of ten is taken of a round amount",),
        steps=("Read the base", "Divide it by ten"),
        needs=("b",),
        apply=lambda b: divided("tenth", b, 10),
    ),
    WorldTemplate(
        name="Scale the Tenth",
        type="Percentage Method",
        tags=("percent", "ratio"),
        description="Find the part that a percentage stands for out of the tenth of the base.",
        scenarios=("Ten percent of the base is known",),
        steps=("Find how many tens the percentage holds", "Multiply the tenth by it"),
        needs=("p", "tenth"),
        apply=_scale_tenth,
    ),
    WorldTemplate(
        name="Add the Part",
        type="Percentage Method",
        tags=("percent", "increase"),
        description="Raise the base by the part that was found.",
        scenarios=("A price rises by a percentage", "A number of people grows by a percentage"),
        steps=("Take the part", "Add it to the base"),
        needs=("b", "part"),
        apply=lambda b, part: added("bill", b, part),
    ),
    WorldTemplate(
        name="Subtract the Part",
        type="Percentage Method",
        tags=("percent", "decrease"),
        description="Lower the base by the part that was found.",
        scenarios=("A price falls by a percentage", "A share of an amount is taken away"),
        steps=("Take the part", "Subtract it from the base"),
        needs=("b", "part"),
        apply=lambda b, part: subtracted("bill", b, part),
    ),
    WorldTemplate(
        name="Remaining Percent",
        type="Percentage Method",
        tags=("percent", "decrease"),
        description="Find which percentage is left when one is taken away.",
        scenarios=("The share that is left is asked for",),
        steps=("Read the percentage", "Subtract it from one hundred"),
        needs=("p",),
        apply=lambda p: subtracted("left", 100, p),
    ),
    WorldTemplate(
        name="Add the Percent Figure",
        type="Percentage Method",
        tags=("percent", "increase"),
        description="Add the figure in front of the percent sign as if it were an amount.",
        scenarios=("The base is exactly one hundred",),
        steps=("Read the figure of the percentage", "Add it to the base"),
        needs=("b", "p"),
        apply=lambda b, p: added("bill", b, p),
    ),
    WorldTemplate(
        name="Subtract the Percent Figure",
        type="Percentage Method",
        tags=("percent", "decrease"),
        description="Subtract the figure in front of the percent sign as if it were an amount.",
        scenarios=("The base is exactly one hundred",),
        steps=("Read the figure of the percentage", "Subtract it from the base"),
        needs=("b", "p"),
        apply=lambda b, p: subtracted("bill", b, p),
    ),
    WorldTemplate(
        name="Total Price",
        type="Arithmetic Method",
        tags=("shopping", "product"),
        description="Find what several equal things cost together.",
        scenarios=("A number of things is bought at one price each",),
        steps=("Read the number of things and the price of one", "Multiply them"),
        needs=("price", "count"),
        apply=lambda price, count: multiplied("bill", price, count),
    ),
    WorldTemplate(
        name="Add the Fee",
        type="Arithmetic Method",
        tags=("shopping", "sum"),
        description="Raise a bill by a fixed fee.",
        scenarios=("Shipping or a service costs a fixed amount more",),
        steps=("Take the bill so far", "Add the fee"),
        needs=("bill", "fee"),
        apply=lambda bill, fee: added("bill", bill, fee),
    ),
    WorldTemplate(
        name="Subtract the Coupon",
        type="Arithmetic Method",
        tags=("shopping", "difference"),
        description="Lower a bill by a fixed amount.",
        scenarios=("A coupon or a gift card pays a fixed amount",),
        steps=("Take the bill so far", "Subtract the coupon"),
        needs=("bill", "coupon"),
        apply=lambda bill, coupon: subtracted("bill", bill, coupon),
    ),
)

_PART = ("Tenth of the Base", "Scale the Tenth")


def _percents() -> Iterator[Numbers]:
    return ({"b": 10 * tenth, "p": 10 * tens} for tenth in range(2, 42) for tens in range(1, 10))


def _with_fee() -> Iterator[Numbers]:
    return ({**numbers, "fee": fee} for numbers in _percents() for fee in range(2, 10))


def _with_coupon() -> Iterator[Numbers]:
    return ({**numbers, "coupon": coupon} for numbers in _percents() for coupon in range(2, 10))


def _fees() -> Iterator[Numbers]:
    return ({"count": c, "price": p, "fee": f} for c in range(2, 10) for p in range(3, 26) for f in range(2, 10))


def _coupons() -> Iterator[Numbers]:
    return ({"count": c, "price": p, "coupon": f} for c in range(2, 10) for p in range(5, 26) for f in range(2, 10))


FAMILIES = (
    Family(
        name="percent_increase",
        tags=("percent", "increase"),
        numbers=_percents,
        phrasings=(
            "A {thing} costs {b} dollars. The price rises by {p}%. Find the new price.",
            "A town of {b} people grows by {p}%. How many people live there now?",
            "{who} earns {b} dollars and gets a raise of {p}%. What is the new pay?",
            "Last year {b} visitors came. This year it was {p}% more. How many came this year?",
        ),
        plan=(*_PART, "Add the Part"),
        tempting=("Add the Percent Figure",),
    ),
    Family(
        name="percent_decrease",
        tags=("percent", "decrease"),
        numbers=_percents,
        phrasings=(
            "A {thing} costs {b} dollars. The price falls by {p}%. Find the new price.",
            "A town of {b} people shrinks by {p}%. How many people live there now?",
            "{who} earns {b} dollars and pays {p}% in tax. What is left?",
            "Last year {b} visitors came. This year it was {p}% fewer. How many came this year?",
        ),
        plan=(*_PART, "Subtract the Part"),
        tempting=(*_PART, "Add the Part"),
    ),
    Family(
        name="bill_with_fee",
        tags=("shopping", "fee"),
        numbers=_fees,
        phrasings=(
            "{who} orders {count} shirts at {price} dollars each. Shipping costs {fee} dollars. What is the bill?",
            "A hall rents {count} tables for {price} dollars each and charges {fee} dollars for cleaning. "
            "What has to be paid?",
            "Tickets cost {price} dollars each. {who} buys {count} tickets and pays a booking fee of {fee} dollars. "
            "How much is that?",
            "A cook needs {count} jars at {price} dollars a jar, "
            "and delivery adds {fee} dollars. What does it come to?",
        ),
        plan=("Total Price", "Add the Fee"),
        tempting=("Total Price",),
    ),
    Family(
        name="bill_with_coupon",
        tags=("shopping", "coupon"),
        numbers=_coupons,
        phrasings=(
            "{who} orders {count} shirts at {price} dollars each and has a coupon for {coupon} dollars. "
            "What is the bill?",
            "A hall rents {count} tables for {price} dollars each and takes {coupon} dollars off for members. "
            "What does a member pay?",
            "Tickets cost {price} dollars each. {who} buys {count} tickets and a gift card pays {coupon} dollars. "
            "How much is left to pay?",
            "A cook needs {count} jars at {price} dollars a jar, "
            "and {coupon} dollars are refunded. What does it come to?",
        ),
        plan=("Total Price", "Subtract the Coupon"),
        tempting=("Total Price", "Add the Fee"),
    ),
    Family(
        name="discount_and_fee",
        tags=("percent", "decrease", "fee"),
        numbers=_with_fee,
        phrasings=(
            "A {thing} of {b} dollars is sold {p}% cheaper, and delivery costs {fee} dollars. What has to be paid?",
            "{who} gets {p}% off a {thing} that costs {b} dollars and pays {fee} dollars for shipping. "
            "What is the bill?",
            "A hotel takes {p}% off a price of {b} dollars and adds a service fee of {fee} dollars. What is the bill?",
            "A trip costs {b} dollars. Members pay {p}% less but {fee} dollars for booking. What does a member pay?",
        ),
        plan=(*_PART, "Subtract the Part", "Add the Fee"),
        tempting=(*_PART, "Add the Part", "Add the Fee"),
        held_out=True,
    ),
    Family(
        name="markup_and_coupon",
        tags=("percent", "increase", "coupon"),
        numbers=_with_coupon,
        phrasings=(
            "The price of a {thing}, {b} dollars, rises by {p}%. "
            "{who} has a coupon for {coupon} dollars. What is the bill?",
            "A shop adds {p}% to a price of {b} dollars, and a gift card pays {coupon} dollars. "
            "How much is left to pay?",
            "A hotel adds {p}% to a price of {b} dollars and takes {coupon} dollars off for members. "
            "What does a member pay?",
            "A repair of {b} dollars gets {p}% dearer, and {coupon} dollars are refunded. What does it come to?",
        ),
        plan=(*_PART, "Add the Part", "Subtract the Coupon"),
        tempting=(*_PART, "Subtract the Part", "Subtract the Coupon"),
        held_out=True,
    ),
)
