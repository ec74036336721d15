"""AIME 2024, both papers: 30 problems whose answers are integers from 0 to 999, written with leading zeros."""

from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of


def read(row: Row) -> Entry:
    """{"id": 60, "problem": "Every morning Aya …", "answer": "204", "url": "…"}"""
    return Entry(text=text_of(row["problem"]), gold=text_of(row["answer"]), id=text_of(row["id"]))


SET = ProblemSet(
    title="AIME 2024",
    hub="HuggingFaceH4/aime_2024",
    split="train",
    rows=30,
    read=read,
    columns=("id", "problem", "answer"),
    grader="integer",
    copies={"4d05c12ee66eb34e3a8a174d33828cf16021ec21a3456c921d203cffb6db99cd": 30},
)
