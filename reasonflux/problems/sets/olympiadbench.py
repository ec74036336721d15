"""OlympiadBench (arXiv 2402.14008), the part in English, of text alone and with answers to compare: 674 problems.

A widely used copy has 675. An answer may be a list, which is graded as a set, and may have a unit.
"""

from reasonflux.problems.sets.problem_set import Entry, ProblemSet, Row, text_of

WORDS = {"%": "percent"}  # the sign behind a number would be part of its value


def read(row: Row) -> Entry:
    r"""{"id": 1606, "context": null, "question": "Xenia and Sergey …", "final_answer": ["2"], "unit": null,
    "is_multiple_answer": false, "answer_type": "Numerical", "subfield": "Combinatorics"}"""
    answers = row["final_answer"] or ()
    gold = ", ".join(map(text_of, [answers] if isinstance(answers, str) else answers))
    return Entry(
        text="\n\n".join(filter(None, (text_of(row["context"]), text_of(row["question"])))),
        gold=f"{gold} {_unit(text_of(row['unit']))}".strip(),
        id=text_of(row["id"]),
        tags=(text_of(row["subfield"]),),
    )


def _unit(unit: str) -> str:
    """A unit as the grader reads it behind an answer: a power as it is, anything else as text."""
    plain = unit.strip("$ ")
    if not plain:
        return ""
    return rf"\text{{{WORDS.get(plain, plain)}}}" if plain[:1] != "^" else plain


SET = ProblemSet(
    title="OlympiadBench",
    hub="Hothan/OlympiadBench",
    subset="OE_TO_maths_en_COMP",
    split="train",
    rows=674,
    read=read,
    columns=("id", "context", "question", "final_answer", "unit", "subfield"),
    grader="list",
    copies={"34b6aec1bb77a92b89ebf331b6e0da3d9247e20a52293f8148d21481c12535b2": 675},
)
