r"""Lists of answers as sets, with units (OlympiadBench, Gaokao): `48, 384` is `384 \text{ and } 48`.

A list is what stands between commas, semicolons, "and" and "or" outside all brackets; `\pm 2` is two answers. Its
elements are compared by `grade_math`, or as letters of choices. A unit may be left out of an answer, not be another:
`50` and `50 \text{ min}` answer the gold `50 \text{ minutes}`, `50 \text{ s}` does not.
"""

import re
from collections.abc import Iterator

from reasonflux.errors import BadInput
from reasonflux.reasoning.spelling import cleaned, exact_number, spelling
from reasonflux.records import Verdict
from reasonflux.rewards.choice import grade_choice, is_letter
from reasonflux.rewards.math_grader import MAX_ANSWER, grade_math

MOST = 64  # elements of a list; a longer one is compared as a whole
UNITS = {
    "percent": ("percent", "%", r"\%"),
    "degree": ("degree", "degrees", r"^\circ", r"\circ", r"^{\circ}"),
    "second": ("s", "sec", "second", "seconds"),
    "minute": ("min", "mins", "minute", "minutes"),
    "hour": ("h", "hr", "hour", "hours"),
    "day": ("day", "days"),
    "mm": ("mm", "millimeter", "millimeters"),
    "cm": ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    "m": ("m", "meter", "meters", "metre", "metres"),
    "km": ("km", "kilometer", "kilometers", "kilometre", "kilometres"),
    "km/h": ("km/h", "kmh", "kph", "km/hr", "kilometers per hour"),
    "m/s": ("m/s", "meters per second"),
    "kg": ("kg", "kilogram", "kilograms"),
    "g": ("g", "gram", "grams"),
}
_SPELLED = {spelled: unit for unit, all_spelled in UNITS.items() for spelled in all_spelled}
_UNIT = re.compile(
    r"(?P<value>.*[\d}).\w])\s*(?:(?:\\(?:text|mathrm|operatorname|mbox)\s*\{\s*(?P<text>[^{}]{1,30}?)\s*\}"
    r"|(?P<bare>(?<=[\d})\s])(?:mm|cm|km|kg|min)|\^\{?\\circ\}?|\\?%))(?P<power>\s*\^\s*\{?[23]\}?)?)",
    re.DOTALL,
)
_WORDS = re.compile(r"\\(?:text|mathrm|mbox)\s*\{\s*,?\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])|;")


def grade_list(answer: str, gold: str) -> Verdict:
    """`CORRECT` or `WRONG`; raises `BadInput` for an empty gold."""
    if is_letter(gold):
        return grade_choice(answer, gold)
    if not cleaned(gold):
        raise BadInput("the gold answer is empty", "Leave the problem out or give it an answer")
    if len(answer) > MAX_ANSWER:
        return Verdict.WRONG
    (gold_value, gold_unit), (value, unit) = split_unit(cleaned(gold)), split_unit(cleaned(answer))
    if gold_unit and unit and gold_unit != unit:
        return Verdict.WRONG
    if not gold_unit and unit in ("percent", "degree"):  # signs that are part of a value
        value = cleaned(answer)
    wanted, given = elements(gold_value), elements(value)
    if (len(wanted) == 1 and len(given) == 1) or max(len(wanted), len(given)) > MOST:
        return grade_math(value, gold_value)
    if len(wanted) == len(given):
        return Verdict.CORRECT if _matched(given, wanted) else Verdict.WRONG
    return grade_math(value, gold_value) if len(wanted) == 1 else Verdict.WRONG


def elements(latex: str) -> list[str]:
    r"""The elements of a list, braces of a set taken off, `\pm` written out; one where there is no list."""
    body = latex.strip()
    inner = re.fullmatch(r"\\(?:left\s*\\)?\{(.*)\\(?:right\s*\\)?\}", body, re.DOTALL)
    if inner and "," in inner[1] and not re.search(r"\\mid|\\in(?![a-z])|[|:<>=]|\\[lg]eq?(?![a-z])", inner[1]):
        body = inner[1]
    parts = [part for piece in _split(body, _WORDS) for part in _between_commas(piece)]
    return [signed for part in parts for signed in _signs(part.strip())]


def split_unit(latex: str) -> tuple[str, str]:
    """A value and the name of the unit behind it, with its power; the unit is empty where there is none known."""
    match = _UNIT.fullmatch(latex.strip())
    if match is None:
        return latex, ""
    spelled = re.sub(r"[{}]", "", (match["text"] or match["bare"]).strip().rstrip("."))
    power = re.sub(r"[^23]", "", match["power"] or "")
    if inside := re.fullmatch(r"(.*?)\s*\^?\s*([23])", spelled):
        spelled, power = inside[1], power or inside[2]
    unit = _SPELLED.get(spelled.casefold())
    return (latex, "") if unit is None else (match["value"].strip(), unit + power)


def _between_commas(piece: str) -> list[str]:
    """Split at commas that a blank follows, else at all; a number with separators of thousands stays whole."""
    if exact_number(spelling(piece)) is not None:
        return [piece]
    for comma in (re.compile(r",(?=\s)"), re.compile(",")):
        parts = list(_split(piece, comma))
        if len(parts) > 1:
            return [one for part in parts for one in _between_commas(part)]
    return [piece]


def _split(latex: str, separator: re.Pattern[str]) -> Iterator[str]:
    """What stands between separators outside all brackets; empty parts are left out."""
    depth, start, at = 0, 0, 0
    while at < len(latex):
        found = separator.match(latex, at) if depth == 0 else None
        if found:
            if latex[start:at].strip():
                yield latex[start:at]
            at = start = found.end()
            continue
        depth = max(0, depth + (latex[at] in "([{") - (latex[at] in ")]}"))
        at += 1
    if latex[start:].strip():
        yield latex[start:]


def _signs(part: str) -> list[str]:
    """`a \\pm b` as its two values, upper signs first."""
    if r"\pm" not in part:
        return [part]
    swapped = {r"\pm": ("+", "-"), r"\mp": ("-", "+")}
    values = []
    for place in (0, 1):
        value = re.sub(r"\\[pm][pm](?![a-z])", lambda sign, place=place: swapped[sign[0]][place], part)  # type: ignore[misc]
        values.append(value.strip().removeprefix("+"))
    return values


def _matched(given: list[str], wanted: list[str]) -> bool:
    """Whether each element wanted is given once, in any order."""
    left = list(given)
    for gold in wanted:
        same = next((one for one in left if _same(one, gold)), None)
        if same is None:
            return False
        left.remove(same)
    return True


def _same(answer: str, gold: str) -> bool:
    (answer_value, unit), (gold_value, gold_unit) = split_unit(answer), split_unit(gold)
    if unit and gold_unit and unit == gold_unit:
        answer, gold = answer_value, gold_value
    return grade_math(answer, gold) is Verdict.CORRECT
