"""The problem that a template's example works on, without its solution: a query that the template should answer."""

import re

from reasonflux.records import ThoughtTemplate

LEAST_WORDS = 5  # a shorter statement names no problem

_LAYOUT = re.compile(r"\\n(?![a-z])")  # a line break written as two characters; \neq and its like are none
_LABEL = re.compile(
    r"\W*(?:(?:example|problem|question|title|case|text|statement|application|textbook)s?\b[\s\d.()（）①-⑨]*)+[:：】]?\**\s*",
    re.IGNORECASE,
)
_SOLUTION = re.compile(
    r"(?:\A|\n|(?<=[.。?？;)!])\s)\W*(?:\(?1\s?[.)、]|①|"
    r"(?:the\s)?(?:detailed\s|key\s|final\s|specific\s)?"
    r"(?:solution|solving|analysis|steps?\b|answer|proof|process|explanation|reasoning|conclusion|result|therefore|hence|"
    r"application (?:steps|process)|apply(?:ing)? (?:the|steps?)|using (?:the|this)))",
    re.IGNORECASE,
)


def example_problem(template: ThoughtTemplate) -> str:
    """The statement of the example's problem, the template's name removed; empty where none can be told apart.

    Published examples are free text: a statement is what stands before the first line or sentence that begins like a
    solution ("Solution", "Step", "1."), labels such as "Example 3(1):" left out.
    """
    text = _LAYOUT.sub("\n", template.example).strip()
    label = _LABEL.match(text)
    text = text[label.end() :] if label else text
    solution = _SOLUTION.search(text)
    if solution is None:  # a solution that cannot be told from its problem would give the template away
        return ""
    statement = re.sub(re.escape(template.name), " ", text[: solution.start()], flags=re.IGNORECASE)
    words = statement.split()
    return " ".join(words) if len(words) >= LEAST_WORDS else ""
