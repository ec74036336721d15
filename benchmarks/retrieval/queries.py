"""What is asked: problems out of the templates' own examples, and MATH-500 by subject.

*Examples*: the problem inside a template's example, its solution and the template's name taken out; examples are
indexed by no one. A hit is a template of the same name. *Subjects*: nobody has said which template solves a problem of
MATH-500, so that a hit is no more than a template of a chapter that teaches its subject (`SUBJECTS`); what a template
drawn blindly hits is printed beside it. Subjects without a chapter count as problems that nothing fits.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from reasonflux.library.examples import example_problem
from reasonflux.library.load import TemplateLibrary

SUBJECTS = {  # of MATH-500: words in the names of the chapters that teach them
    "Algebra": ("Quadratic", "Concepts and Properties", "Exponential", "Sequences", "Lines and Circles"),
    "Intermediate Algebra": ("Quadratic", "Concepts and Properties", "Conic", "Complex", "Sequences", "Derivatives"),
    "Precalculus": ("Trigonometric", "Complex", "Vectors", "Lines and Circles"),
    "Geometry": ("Solid Geometry", "Lines and Circles", "Trigonometric", "Vectors"),
    "Counting & Probability": ("Probability", "Counting", "Random Variables"),
}


@dataclass(frozen=True, kw_only=True)
class Query:
    """A text and the rows of the templates that answer it; none where the library has none."""

    text: str
    rows: frozenset[int]
    subject: str = ""


def example_queries(library: TemplateLibrary) -> list[Query]:
    """One query for each template whose example holds a problem."""
    rows = {
        name: frozenset(i for i, one in enumerate(library.templates) if one.name == name) for name in library.by_name
    }
    texts = [(template, example_problem(template)) for template in library.templates]
    return [Query(text=text, rows=rows[template.name]) for template, text in texts if text]


def subject_queries(library: TemplateLibrary, path: Path) -> list[Query]:
    """The problems of MATH-500; those of a subject without a chapter have no row."""
    problems = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = {
        subject: frozenset(
            row for row, one in enumerate(library.templates) if any(word in one.chapter for word in words)
        )
        for subject, words in SUBJECTS.items()
    }
    return [
        Query(text=problem["problem"], rows=rows.get(problem["subject"], frozenset()), subject=problem["subject"])
        for problem in problems
    ]
