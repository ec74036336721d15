"""Texts of others as a page shows them."""

import re

# Spelled out: what a terminal or the order of letters would obey, and halves of surrogate pairs, which have no bytes.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with every character visible that moves others about or has no shape; line breaks and tabs stay."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))


def cut(text: str, most: int) -> str:
    """Beginning and end of a text, and how much is left out between them."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}\n[… {len(text) - most:,} characters left out …]\n{text[head - most :]}"
