"""MATH-500: 500 test problems of MATH (arXiv 2103.03874), chosen by the authors of arXiv 2305.20050."""

from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of


def read(row: Row) -> Entry:
    r"""{"problem": "Convert the point …", "answer": "\\left( 3, \\frac{\\pi}{2} \\right)", "subject": "Precalculus",
    "level": 2, "unique_id": "test/precalculus/807.json"}"""
    return Entry(
        text=text_of(row["problem"]),
        gold=text_of(row["answer"]),
        id=text_of(row["unique_id"]),
        tags=(text_of(row["subject"]),),
        level=text_of(row["level"]),
    )


SET = ProblemSet(
    title="MATH-500",
    hub="HuggingFaceH4/MATH-500",
    revision="ff5b20257d8185524591543f8ff5993951537bb8",
    split="test",
    rows=500,
    read=read,
    columns=("problem", "answer", "subject", "level", "unique_id"),
    grader="math",
    copies={"db657b4eb43f0ece2bce44a32e34b2d895de9d7b98587db1741f8a2880b847df": 500},
)
