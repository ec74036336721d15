"""Everything that is wrong with a problem source, in one line, before any engine starts."""

from dataclasses import dataclass, field

from reasonflux.config import ProblemSource, SimilarConfig
from reasonflux.errors import BadInput
from reasonflux.problems.sources import Seen, name_of, read_rows

ROWS_NAMED = 8  # row numbers spelled out in a message


@dataclass(frozen=True, kw_only=True)
class ProblemCheck:
    """What one pass over a source found. rows = problems + empty_gold + duplicates."""

    problem_set: str
    rows: int  # rows read, up to `limit`
    problems: int  # rows that a run will work on
    empty_gold: int  # rows left out by skip_empty_gold
    duplicates: int  # rows left out by skip_duplicates
    mean_characters: float  # length of a text, over all rows


@dataclass
class _Faults:
    no_text: list[int] = field(default_factory=list)
    no_gold: list[int] = field(default_factory=list)
    no_family: list[int] = field(default_factory=list)
    repeats: list[tuple[int, int]] = field(default_factory=list)  # row of the first, row of the repeat


def check_problems(source: ProblemSource, seed: int = 0, *, families: bool = False) -> ProblemCheck:
    """One streaming pass over a source; all that it keeps of a row is `Seen`.

    Raises `BadInput` with row numbers and remedy: file missing or unreadable, not JSON, not UTF-8, a column missing
    (with those there are), empty text, empty gold, an empty family where `families` are needed, the same id or text
    twice, and a source without a problem.
    """
    faults, seen, rows, characters = _Faults(), Seen(source), 0, 0
    for numbered in read_rows(source, seed):
        rows += 1
        characters += len(numbered.problem.text)
        if not numbered.problem.text:
            faults.no_text.append(numbered.row)
        elif not numbered.problem.gold:
            faults.no_gold.append(numbered.row)
        elif first := seen.before(numbered):
            faults.repeats.append((first, numbered.row))
        elif families and numbered.problem.family is None:
            faults.no_family.append(numbered.row)
    _refuse(source, faults)
    problems = rows - len(faults.no_gold) - len(faults.repeats)
    if not problems:
        raise BadInput(f"{name_of(source)} holds no problem ({rows} rows read)", "Name another source or limit")
    return ProblemCheck(
        problem_set=name_of(source),
        rows=rows,
        problems=problems,
        empty_gold=len(faults.no_gold),
        duplicates=len(faults.repeats),
        mean_characters=characters / rows,
    )


def check_similar(source: ProblemSource, similar: SimilarConfig) -> None:
    """Raises `BadInput` when similar problems are to come of families that the source does not name."""
    if similar.provider == "family" and source.source != "testbed" and source.fields.family is None:
        raise BadInput(
            f"similar.provider is family, but {name_of(source)} has no family column",
            "Set similar.provider to nearest, or problems.fields.family to a column",
        )


def _refuse(source: ProblemSource, faults: _Faults) -> None:
    """One error for everything that the source's settings do not leave out."""
    found, remedies = [], []
    if faults.no_text:
        found.append(f"no text in {_rows(faults.no_text)}")
        remedies.append("mend those rows")
    if faults.no_gold and not source.skip_empty_gold:
        found.append(f"no gold answer in {_rows(faults.no_gold)}")
        remedies.append("set problems.skip_empty_gold to leave those out")
    if faults.no_family:
        found.append(f"no family in {_rows(faults.no_family)}")
        remedies.append("set similar.provider to nearest")
    if faults.repeats and not source.skip_duplicates:
        named = ", ".join(f"{first} and {again}" for first, again in faults.repeats[:ROWS_NAMED])
        found.append(f"the same id or text in rows {named}{_more(faults.repeats)}")
        remedies.append("set problems.skip_duplicates to keep the first of each")
    if found:
        remedy = "; ".join(remedies)
        raise BadInput(f"{source.path or name_of(source)}: {'; '.join(found)}", remedy[0].upper() + remedy[1:])


def _rows(numbers: list[int]) -> str:
    named = ", ".join(map(str, numbers[:ROWS_NAMED]))
    return f"{'row' if len(numbers) == 1 else 'rows'} {named}{_more(numbers)}"


def _more(found: list[int] | list[tuple[int, int]]) -> str:
    return f" and {len(found) - ROWS_NAMED} more" if len(found) > ROWS_NAMED else ""
