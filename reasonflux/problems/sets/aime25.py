"""AIME 2025, both papers: 30 problems whose answers are integers from 0 to 999."""

from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of


def read(row: Row) -> Entry:
    """{"id": "0", "problem": "Find the sum of all integer bases …", "answer": "70"}"""
    return Entry(text=text_of(row["problem"]), gold=text_of(row["answer"]), id=text_of(row["id"]))


SET = ProblemSet(
    title="AIME 2025",
    hub="math-ai/aime25",
    split="test",
    rows=30,
    read=read,
    columns=("id", "problem", "answer"),
    grader="integer",
)
