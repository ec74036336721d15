r"""Which answer a text gives: the last box, or else a plainly announced value. Nothing is guessed from prose.

In order:
1. the last closed, non-empty `\boxed{…}` or `\fbox{…}` behind the end of the thinking; of nested boxes the innermost;
2. behind the end of the thinking, the last "answer is …" or "Answer: …" whose value is a number or stands between math
   delimiters and ends its sentence ("the answer is 3 or 5" is not read as 3);
3. the last box inside the thinking, when what follows it holds no answer.

A text that never closes its thinking has rule 1 alone. Every pattern is linear in the text's length.
"""

import re

MAX_TEXT = 262_144  # characters of a text's end that are read: more than 32k tokens

_TOKEN = re.compile(r"(?P<box>\\{1,4}(?:boxed|fbox)\s{0,8}\{)|\\.|[{}]", re.DOTALL)
_THINKING = re.compile(r"<(?P<end>/)?think(?:ing)?>|<\|(?:begin|(?P<over>end))_of_thought\|>", re.IGNORECASE)
_VALUE = (
    r"\$(?P<dollar>[^$\n]{1,400})\$|\\\((?P<inline>[^\n]{1,400}?)\\\)|\\\[(?P<display>.{1,400}?)\\\]"
    r"|(?P<number>-?(?:\\?\$)?\d[\d,]{0,40}(?:\.\d{1,40})?(?:/\d{1,40})?(?:\\?%)?)"
)
_ANNOUNCED = re.compile(
    rf"\banswer\*{{0,2}}\s{{0,8}}(?:is\b|:)\*{{0,2}}\s{{0,8}}:?\s{{0,8}}\*{{0,2}}(?:{_VALUE})"
    r"\*{0,2}(?=\.?\*{0,2}(?:\s*$|[ \t]*\n)|[.;!]\s)",
    re.IGNORECASE | re.DOTALL,
)


def extract_answer(text: str) -> str | None:
    """The answer that `text` gives, stripped; None when it gives none. Only the last `MAX_TEXT` characters are read."""
    text = text[-MAX_TEXT:]
    final, thinking_open = _behind_thinking(text)
    answer = boxed_answer(final)
    if answer is None and not thinking_open:
        answer = _announced_answer(final)
    return boxed_answer(text) if answer is None else answer


def boxed_answer(text: str) -> str | None:
    """The content of the last closed, non-empty box; escaped braces do not count as braces."""
    text = text[-MAX_TEXT:]
    open_groups: list[int | None] = []  # where a box's content begins; None for any other brace
    last: tuple[int, int] | None = None
    for token in _TOKEN.finditer(text):
        if token["box"]:
            open_groups.append(token.end())
        elif token[0] == "{":
            open_groups.append(None)
        elif token[0] == "}" and open_groups:
            start = open_groups.pop()
            holds_a_box = last is not None and start is not None and start < last[0]
            if start is not None and not holds_a_box and not _blank(text, start, token.start()):
                last = (start, token.start())
    return text[last[0] : last[1]].strip() if last else None


def _blank(text: str, start: int, end: int) -> bool:
    return all(text[at].isspace() for at in range(start, end))


def _behind_thinking(text: str) -> tuple[str, bool]:
    """What follows the last end of thinking, and whether thinking was begun again (or at all) and never ended."""
    final, thinking_open = text, False
    for tag in _THINKING.finditer(text):
        thinking_open = not (tag["end"] or tag["over"])
        if not thinking_open:
            final = text[tag.end() :]
    return final, thinking_open


def _announced_answer(text: str) -> str | None:
    value = None
    for match in _ANNOUNCED.finditer(text):
        value = next(group for group in match.groups() if group)
    return value.strip() or None if value else None
