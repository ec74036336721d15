"""Mathematics in texts: LaTeX between its delimiters as trees of MathML, made of names and attributes on a list.

latex2mathml translates here, so that the page loads no library; the page builds the elements one by one. What it cannot
translate is shown as it was written.
"""

import html
import re
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element

# Read by Python and by the page's script alike. `$` opens before anything but a space and closes after anything but
# one, and not before a digit, so that prices are no mathematics.
PATTERN = (
    r"\$\$[^$]+\$\$"
    r"|\\\[[\s\S]+?\\\]"
    r"|\\\(.+?\\\)"
    r"|(?<![\\$])\$(?![\s$])[^$\n]*?[^\s\\$]\$(?!\d)|(?<![\\$])\$[^\s\\$]\$(?!\d)"
    r"|\\boxed\{[^{}\n]*(?:\{[^{}\n]*\}[^{}\n]*)*\}"
)
LONGEST = 600  # characters of a formula that is translated
TITLE = 120  # characters of a headline
MOST = 8_000  # formulas of a report: each takes a millisecond or two here, and some 100 bytes of the page
_ELEMENTS = (
    "math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mpadded mphantom menclose msub msup msubsup munder mover "
    "munderover mmultiscripts mtable mtr mtd mstyle"
)
_ATTRIBUTES = (
    "display mathvariant stretchy fence separator form lspace rspace minsize maxsize accent accentunder columnalign "
    "rowspacing columnspacing columnlines rowlines displaystyle scriptlevel linethickness width height depth "
    "notation symmetric largeop movablelimits"
)
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
Tree = list[Any]  # name, attributes, then trees and texts

_FORMULA = re.compile(PATTERN)


def headline(text: str) -> str:
    """The beginning of a text on one line, not broken off inside a formula."""
    line = " ".join(text.split())
    broken = next((found.start() for found in _FORMULA.finditer(line) if found.start() < TITLE < found.end()), TITLE)
    return line[:broken]


class Translator:
    """Formulas as trees; every one is translated once, and at most `most` of them."""

    def __init__(self, most: int = MOST) -> None:
        self._left = most
        self._known: dict[str, Tree | None] = {}

    def trees(self, texts: Iterable[str]) -> dict[str, Tree]:
        """By the formula as it stands in the texts, delimiters among it; none for those that cannot be translated."""
        found = dict.fromkeys(formula for text in texts for formula in _FORMULA.findall(text))
        trees = {formula: self._tree(formula) for formula in found}
        return {formula: tree for formula, tree in trees.items() if tree is not None}

    def _tree(self, formula: str) -> Tree | None:
        if formula not in self._known:
            if self._left <= 0 or len(formula) > LONGEST:
                return None
            self._left -= 1
            self._known[formula] = _translated(formula)
        return self._known[formula]


def _translated(formula: str) -> Tree | None:
    from latex2mathml.converter import convert_to_element

    latex, display = _bare(formula)
    try:
        return _plain(convert_to_element(latex, display=display))
    except Exception:  # of any kind, for any text: it then stands there as it was written
        return None


def _bare(formula: str) -> tuple[str, str]:
    """Without its delimiters, and how it is displayed."""
    if formula.startswith("$$"):
        return formula[2:-2], "block"
    if formula.startswith("$"):
        return formula[1:-1], "inline"
    if formula.startswith(("\\[", "\\(")):
        return formula[2:-2], "block" if formula[1] == "[" else "inline"
    return formula, "inline"


def _plain(element: Element) -> Tree:
    """Raises `ValueError` for an element that is not on the list; attributes that are not are left out."""
    name = element.tag.rpartition("}")[2]
    if name not in ELEMENTS:
        raise ValueError(f"{name} is no element of mathematics")
    attributes = {key: value for key, value in element.attrib.items() if key in ATTRIBUTES}
    texts = [html.unescape(element.text)] if element.text else []  # it writes characters as entities
    return [name, attributes, *texts, *map(_plain, element)]
