"""Plans out of free text: lists of every style, headings, JSON, with think parts cut away.

Language-neutral where it can be: an item is known by its marker, not by its words. `parse_plan` takes any text, raises
nothing, and takes time linear in the text's length.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from reasonflux.reasoning.lists import items_of, without_marker
from reasonflux.reasoning.strategy import strategy_of

PlanFormat = Literal["templates", "free"]

# Keys under which models put the list of steps, the name of a step and its text; the first that is there counts.
LIST_KEYS = ("steps", "plan", "trajectory", "reason_flow")
NAME_KEYS = ("template", "template_name", "name", "step")
TEXT_KEYS = ("instruction", "description", "content")

ONE_DASH = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
FENCE = re.compile(r"```\w*+")
MARKED_NAME = re.compile(r"(?:[*`]{1,3}+)([^*`]++)[*`]{1,3}+\s*+(?:[:：]|-++(?=\s))?+")
NAME_END = re.compile(r":\s|：|\s-{1,3}\s|:$")
QUOTES = " \t*`\"'“”‘’«»「」《》<>[]"
DECODER = json.JSONDecoder(strict=False)
BACKSLASH = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))|\\')  # a valid escape of JSON, or a stray one
EATEN_COMMANDS = re.compile(r"[\b\f]|[\t\r](?=[a-z])|\n(?=(?:abla|eg|eq|ot|otin)\b)")
COMMAND_STARTS = {"\b": r"\b", "\f": r"\f", "\t": r"\t", "\r": r"\r", "\n": r"\n"}


@dataclass(frozen=True, kw_only=True)
class WrittenStep:
    """One step as the navigator wrote it, each field on one line. A step of a free plan has no name."""

    name: str
    instruction: str = ""


def parse_plan(text: str, plan_format: PlanFormat) -> tuple[WrittenStep, ...]:
    """The steps of a navigator's answer, in order; empty when none can be read.

    "templates": each step names a thought template, perhaps with an instruction after a colon or dash. "free" (v2):
    the strategy section of a three-part proposal; an item of its list, or a paragraph beside it, is a step.
    """
    answer = without_thinking(_writable(text)).translate(ONE_DASH)
    steps = list(_json_steps(answer))
    prose = FENCE.sub("", answer)
    if plan_format == "free":
        written = [": ".join(filter(None, (step.name, step.instruction))) for step in steps]
        strategy = strategy_of(prose)
        written = written or items_of(strategy, keep_prose=True) or _paragraphs(strategy)
        return tuple(WrittenStep(name="", instruction=_line(item)) for item in written if _speaks(item))
    return tuple(step for step in steps or map(named_step, items_of(prose)) if _speaks(step.name))


def without_thinking(text: str) -> str:
    """The text behind its think part, or before it when the think part was never closed."""
    return text.rpartition("</think>")[2].partition("<think>")[0]


def named_step(item: str) -> WrittenStep:
    """A list item's name and instruction: the name is in bold, or ends at a colon, a free-standing dash or the line."""
    line, _, below = item.strip().partition("\n")
    marked = MARKED_NAME.match(line)
    end = NAME_END.search(line)
    if marked:
        name, behind = marked[1].rstrip(":："), line[marked.end() :]
    elif end:
        name, behind = line[: end.start()], line[end.end() :]
    else:
        name, behind = line, ""
    return WrittenStep(name=_line(name).strip(QUOTES), instruction=_line(f"{behind} {below}").strip(" *"))


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in re.split(r"\n[^\S\n]*+\n", text) if paragraph.strip()]


def _line(text: str) -> str:
    return " ".join(text.split())


def _speaks(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _writable(text: str) -> str:
    """Text that UTF-8 can hold: JSON escapes can spell half a character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _json_steps(answer: str) -> Iterator[WrittenStep]:
    """The steps of the first JSON value: the whole answer, a fenced block, or the first object in it."""
    value = _json_value(answer)
    if isinstance(value, dict):
        value = next((value[key] for key in LIST_KEYS if isinstance(value.get(key), list)), None)
    for entry in value if isinstance(value, list) else []:
        if isinstance(entry, str):
            yield named_step(without_marker(_text(entry)))
        elif isinstance(entry, dict):
            name, instruction = (_first_text(entry, keys) for keys in (NAME_KEYS, TEXT_KEYS))
            yield WrittenStep(name=name, instruction=instruction)


def _json_value(answer: str) -> Any:
    fenced = FENCE.split(answer, maxsplit=2)
    candidate = (fenced[1] if len(fenced) > 1 else answer).strip()
    if candidate[:1] not in ("{", "["):
        candidate = candidate[candidate.find("{") :] if "{" in candidate else ""
    for text in (candidate, BACKSLASH.sub(lambda match: match[1] or r"\\", candidate)):
        try:
            return DECODER.raw_decode(text)[0]
        except (ValueError, RecursionError):
            continue
    return None


def _first_text(entry: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((_text(entry[key]) for key in keys if isinstance(entry.get(key), str)), "")


def _text(value: str) -> str:
    """A JSON string on one line, with LaTeX commands restored whose backslash JSON took for a control character."""
    restored = EATEN_COMMANDS.sub(lambda match: COMMAND_STARTS[match[0]], value)
    return _line(_writable(restored).translate(ONE_DASH))
