"""Texts of others as a page shows them."""

import re

# Spelled out: what a terminal or the order of letters would obey, and halves of surrogate pairs, which have no bytes.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

_MARK = re.compile(r"\n\[… ([\d,]+) characters left out …\]\n")
ROOM_TO_SAY_SO = 40  # characters of that mark


def clean(text: str) -> str:
    """The text with every character visible that moves others about or has no shape; line breaks and tabs stay."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))


def cut(text: str, most: int) -> str:
    """Beginning and end of a text, and how much is left out between them; about `most` characters in all.

    A text that was cut before is cut again with the right count.
    """
    if len(text) <= most:
        return text
    kept = max(0, most - ROOM_TO_SAY_SO)
    head = kept * 2 // 3
    end = len(text) - (kept - head)
    gone = text[head:end]
    count = len(gone) + sum(int(mark[1].replace(",", "")) - len(mark[0]) for mark in _MARK.finditer(gone))
    return f"{text[:head]}\n[… {count:,} characters left out …]\n{text[end:]}"
