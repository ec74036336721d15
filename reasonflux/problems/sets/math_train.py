r"""The training problems of MATH (arXiv 2103.03874): 7,500, whose answers stand in the boxes of their solutions.

A widely used copy has 7,474, with the answers in a column of their own; four of them are null or empty and left out.
"""

from reasonflux.identity import digest
from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of

BOX = r"\boxed{"


def read(row: Row) -> Entry:
    r"""{"problem": "Let \\[f(x) = …", "type": "Algebra", "level": "Level 5", "solution": "… \\boxed{0} …"}, or with
    "answer": "0" and "difficulty": 5.0"""
    text = text_of(row["problem"])
    return Entry(
        text=text,
        gold=text_of(row["answer"]) if "answer" in row else _boxed(text_of(row.get("solution"))),
        id=digest(text)[:16],
        tags=(text_of(row["type"]),),
        level=text_of(row.get("level", row.get("difficulty"))).removeprefix("Level ").removesuffix(".0"),
    )


def _boxed(solution: str) -> str:
    """What stands in the last box, up to the brace that closes it."""
    depth, inside = 1, solution.rpartition(BOX)[2] if BOX in solution else ""
    for at, sign in enumerate(inside):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return inside[:at].strip()
    return ""


SET = ProblemSet(
    title="MATH train",
    hub="DigitalLearningGmbH/MATH-lighteval",
    split="train",
    rows=7_500,
    read=read,
    columns=("problem", "type"),
    grader="math",
    without_gold=4,
    doubled=1,
    copies={"c9257e737d5df2cdad090c63f792d01a77364193744d41a9c7e6addd300e1673": 7_474},
)
