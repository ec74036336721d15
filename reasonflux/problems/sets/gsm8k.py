"""GSM8K (arXiv 2110.14168), its test split: 1,319 word problems; the answer stands behind #### in the solution."""

from reasonflux.identity import digest
from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of

MARK = "####"


def read(row: Row) -> Entry:
    r"""{"question": "Janet’s ducks lay …", "answer": "… <<16-3-4=9>>9 duck eggs a day.\n…\n#### 18"}"""
    text = text_of(row["question"])
    return Entry(text=text, gold=text_of(row["answer"]).rpartition(MARK)[2].strip(), id=digest(text)[:16])


SET = ProblemSet(
    title="GSM8K",
    hub="openai/gsm8k",
    subset="main",
    split="test",
    rows=1_319,
    read=read,
    columns=("question", "answer"),
    grader="math",
    copies={"81254195a9ba58d840833efa83fc5f369f8e4d9be3c735ead411cba279d5d14f": 1_319},
)
