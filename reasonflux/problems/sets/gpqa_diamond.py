"""GPQA-Diamond (arXiv 2311.12022): 198 questions of four choices; gated, and not to be posted as plain text.

The choices are shuffled by a digest of a pinned seed and the question, so that every run shows them alike.
"""

from reasonflux.identity import digest
from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of

SHUFFLE_SEED = 0
CHOICES = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
LETTERS = "ABCD"


def read(row: Row) -> Entry:
    """{"Record ID": "rec…", "Question": "…", "Correct Answer": "…", "Incorrect Answer 1": "…", …, "Subdomain": "…"}"""
    question = text_of(row["Question"])
    order = sorted(range(len(CHOICES)), key=lambda place: digest("choices", SHUFFLE_SEED, question, place))
    choices = [f"({letter}) {text_of(row[CHOICES[place]])}" for letter, place in zip(LETTERS, order, strict=True)]
    asked = "Answer with the letter of the one right choice."
    return Entry(
        text="\n".join([question, "", *choices, "", asked]),
        gold=LETTERS[order.index(0)],
        id=text_of(row["Record ID"]),
        tags=(text_of(row["Subdomain"]),),
    )


SET = ProblemSet(
    title="GPQA-Diamond",
    hub="Idavidrein/gpqa",
    subset="gpqa_diamond",
    split="train",
    rows=198,
    read=read,
    columns=("Record ID", "Question", *CHOICES, "Subdomain"),
    grader="choice",
    gated=True,
)
