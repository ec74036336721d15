"""AMC 12 of 2023: the 40 problems of both papers that have an integer for an answer, without their choices."""

from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of


def read(row: Row) -> Entry:
    """{"id": 0, "question": "Cities $A$ and $B$ are …", "answer": 27.0, "url": "…"}"""
    return Entry(text=text_of(row["question"]), gold=text_of(row["answer"]).removesuffix(".0"), id=text_of(row["id"]))


SET = ProblemSet(
    title="AMC 2023",
    hub="math-ai/amc23",
    split="test",
    rows=40,
    read=read,
    columns=("id", "question", "answer"),
    grader="math",
    copies={"3c8fe7344289768661b05a366a4f43c0bb2c30483f1cb957a6b006551a0b7de7": 40},
)
