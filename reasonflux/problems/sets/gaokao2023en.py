"""Gaokao 2023 in English: 385 problems of Chinese papers, with a few of other contests among them.

Some answers are letters of choices, some are lists; two rows have no answer and are left out.
"""

from reasonflux.identity import digest
from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of


def read(row: Row) -> Entry:
    r"""{"question": "Given sets $M=\\{x|x+2\\geq 0\\}, …", "answer": "$\\{x|-2\\leq x < 1\\}$", "source": "…"}"""
    text = text_of(row["question"])
    return Entry(text=text, gold=text_of(row["answer"]), id=digest(text)[:16])


SET = ProblemSet(
    title="GaokaoEn 2023",
    hub="MARIO-Math-Reasoning/Gaokao2023-Math-En",
    revision="6c7bdecd205ed623b5e6c92335deb4f13a7cdd9b",
    split="train",
    rows=385,
    read=read,
    columns=("question", "answer"),
    grader="list",
    without_gold=2,
    copies={"b7ea6b1225e42bf0325c5b84e9b870755c8d72a2209a1eca38afe52b20b160d5": 385},
)
