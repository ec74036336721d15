"""Pieces of what models write, and of what nobody writes; texts are made of them at random."""

import random

CHARACTERS = "0123456789 \t\n\r\x0b\x00\u2028#*-_`.:)(][{}\"'\\/,|<>=+①．：）【】第·–—−"
LISTS = ("\n\n", "\n  ", "\n1. ", "\n2) ", "\n- ", "\n## ", "**", "***", "```", "```json\n", "Step 1: ", "\n> ")
THINKING = ("<think>", "</think>", "<thinking>", "</thinking>", "<|begin_of_thought|>", "<|end_of_thought|>")
JSON = ('{"steps": [', '"template": "', '"}', "]}", '{"plan":', '{"retrieve": "', '"query": ', r"\ud800", r"\u12")
ANSWERS = (
    r"\boxed{",
    r"\boxed",
    r"\fbox {",
    r"\{",
    r"\}",
    r"\\",
    r"\frac{1}{2}",
    "answer is ",
    "**Answer:** ",
    "$",
    r"\(",
)
DECISIONS = ("continue", "Continue.", "retrieve: ", "**Retrieve:** ", "refine", "the plan anew")
HEADINGS = (
    "3. Strategy:",
    "### 3. High‑level solution strategy",
    "**Strategie**",
    "策略",
    "Stratégie —",
    "# Part 3 - ",
)
WORDS = (
    "Quadratic formula",
    "é",
    "Å",
    "ß",
    "İ",
    "𝔸",
    "👩‍🔬",
    "\u0301",
    "\ufeff",
    "Number of 3-digit",
    "x^2 - 4 = 0",
    "%s",
)
PIECES = (*CHARACTERS, *LISTS, *THINKING, *JSON, *ANSWERS, *DECISIONS, *HEADINGS, *WORDS)


def text_of(dice: random.Random, most: int = 40) -> str:
    """Up to `most` pieces in any order, now and then one of them many times over."""
    pieces = dice.choices(PIECES, k=dice.randint(0, most))
    if pieces and dice.random() < 0.05:
        pieces.insert(dice.randrange(len(pieces)), dice.choice(PIECES) * dice.randint(2, 400))
    return "".join(pieces)
