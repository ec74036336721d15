"""AIME 1983 to 2023, the problems of Fig. 5 of arXiv 2502.06772: 919 whose answers are integers from 0 to 999.

The file goes on to 2024, which is a benchmark of its own and left out here. Of one problem two answers were accepted.
"""

import re

from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of

LAST_YEAR = 2023


def read(row: Row) -> Entry | None:
    """{"ID": "1983-1", "Year": 1983, "Problem Number": 1, "Question": "Let $x$ …", "Answer": "60", "Part": null}"""
    if int(row["Year"]) > LAST_YEAR:
        return None
    return Entry(
        text=text_of(row["Question"]),
        gold=" or ".join(re.findall(r"\d+", text_of(row["Answer"]))),
        id=text_of(row["ID"]),
        level=text_of(row["Problem Number"]),  # they grow harder within a paper
    )


SET = ProblemSet(
    title="AIME 1983–2023",
    hub="di-zhang-fdu/AIME_1983_2024",
    revision="53ed0870b96dfe2117d5eb58c261a8812606a45a",
    split="train",
    rows=919,
    read=read,
    columns=("ID", "Year", "Problem Number", "Question", "Answer"),
    grader="integer",
)
