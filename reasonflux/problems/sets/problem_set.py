"""What a problem set is, and how one is read: whole, checked against what is known of it, or not at all.

A copy is known by the SHA-256 of its canonical form (`canonical_digest`), since the same problems lie about in several
formats. The Hub's own copies could not be read where this was written: of those the revision, where it is known, and
the number of rows are what is checked, and `LoadedSet.verified` is False unless the digest is a known one all the same.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reasonflux.config import ProblemSource
from reasonflux.errors import BadInput
from reasonflux.problems.readers import READERS
from reasonflux.records import Problem

Row = Mapping[str, Any]
SHAPES = {"integer": re.compile(r"0*\d{1,3}( or 0*\d{1,3})*"), "choice": re.compile(r"[A-Z]")}  # of golds, by grader
NAMED = 5  # rows spelled out in a message
_WHOLE = re.compile(r"(-?)0*(\d+?)(?:\.0+)?")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of a set in our words; `gold` is empty where the row has none."""

    text: str
    gold: str
    id: str
    tags: tuple[str, ...] = ()
    level: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProblemSet:
    """Where a set is to be had, what its rows hold, and how many there are."""

    title: str
    hub: str  # data set on the Hub
    split: str
    rows: int  # of the Hub's copy, that `read` keeps
    read: Callable[[Row], Entry | None]  # one row; None for one that is no part of the set
    columns: tuple[str, ...]  # without which `read` can do nothing
    grader: str  # name in `rewards.graders.GRADERS`
    subset: str | None = None  # configuration on the Hub
    revision: str | None = None  # None: not known, the newest is read
    copies: Mapping[str, int] = field(default_factory=dict)  # canonical digest → rows, of copies that were read
    without_gold: int = 0  # rows that are known to have no answer; they are left out, and counted
    doubled: int = 0  # texts that are known to stand there twice
    gated: bool = False  # read with the user's own token

    def source(self, path: str) -> ProblemSource:
        """The Hub's copy, or a file: Parquet by its ending, else JSONL."""
        if not path:
            return ProblemSource(
                source="hub", path=self.hub, subset=self.subset, revision=self.revision, split=self.split
            )
        return ProblemSource(source="parquet" if path.endswith(".parquet") else "jsonl", path=path, split=self.split)


@dataclass(frozen=True, kw_only=True)
class LoadedSet:
    """A set's problems, and how sure it is that they are the ones meant."""

    problems: tuple[Problem, ...]
    digest: str  # canonical, of the whole copy
    verified: bool  # the digest is a known one
    without_gold: int  # rows left out


def load_set(
    name: str, known: ProblemSet, *, path: str = "", sha256: str | None = None, limit: int | None = None
) -> LoadedSet:
    """Reads a set from the Hub, or from a JSONL or Parquet file or URI, whole; `limit` then keeps its first problems.

    Raises `BadInput` with one line for a set that cannot be read, is empty, short or long, lacks a column, holds a
    problem twice or golds that its grader cannot take, or is another than the known copies. `sha256`: the canonical
    digest of the one copy that will do, in place of the known ones.
    """
    entries = list(_entries(known, path))
    place = f"{known.title} ({path or known.hub})"
    if not entries:
        raise BadInput(f"{place} holds no problem", "Name another copy")
    digest = canonical_digest(entries)
    _check_size(place, known, entries, digest, from_hub=not path, sha256=sha256)
    _check_entries(place, known, entries)
    kept = [entry for entry in entries if entry.gold]
    problems = tuple(_problem(name, known.split, entry) for entry in kept)
    return LoadedSet(
        problems=problems[:limit],
        digest=digest,
        verified=digest in known.copies or digest == sha256,
        without_gold=len(entries) - len(kept),
    )


def canonical_digest(entries: Iterable[Entry]) -> str:
    """SHA-256 of a set's texts and golds, whatever their order, blanks, leading zeros and `.0`."""
    lines = sorted(json.dumps([" ".join(entry.text.split()), _plain(entry.gold)]) for entry in entries)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def text_of(value: Any) -> str:
    """A value of a row as text; None and NaN are empty."""
    return "" if value is None or value != value else str(value).strip()


def _entries(known: ProblemSet, path: str) -> Iterator[Entry]:
    source = known.source(path)
    rows = READERS[source.source](source, whole=True)
    while True:
        try:
            number, row = next(rows)
        except StopIteration:
            return
        except BadInput as error:
            if path:
                raise
            terms = "Accept its terms on the Hub with your own account and set HF_TOKEN, or name your copy's path"
            remedy = terms if known.gated else "Is there a way to the Hub? Else name a copy's path"
            raise BadInput(error.what, remedy) from error
        missing = [column for column in known.columns if column not in row]
        if missing:
            has = ", ".join(sorted(row))
            raise BadInput(f"{source.path}: row {number} has no column {missing[0]!r}", f"It has {has}")
        entry = known.read(row)
        if entry is not None:
            yield entry


def _check_size(
    place: str, known: ProblemSet, entries: Sequence[Entry], digest: str, *, from_hub: bool, sha256: str | None
) -> None:
    if sha256 is not None:
        if digest != sha256:
            raise BadInput(f"{place} has the digest {digest}, not {sha256}", "Correct sha256, or name another copy")
        return
    sizes = {known.rows} if from_hub else {known.rows, *known.copies.values()}
    if len(entries) not in sizes:
        wanted = " or ".join(map(str, sorted(sizes)))
        raise BadInput(f"{place} holds {len(entries)} problems, not {wanted}", "Name a whole copy")
    if not from_hub and known.copies and digest not in known.copies:
        raise BadInput(f"{place} is none of the known copies", f"If it is the one you mean, set sha256 to {digest}")


def _check_entries(place: str, known: ProblemSet, entries: Sequence[Entry]) -> None:
    empty = [entry.id for entry in entries if not entry.text]
    without = [entry.id for entry in entries if not entry.gold]
    texts = Counter(" ".join(entry.text.split()) for entry in entries)
    ids = Counter(entry.id for entry in entries)
    doubled = [key for key, count in (texts + ids).items() if count > 1]
    shape = SHAPES.get(known.grader)
    odd = [entry.id for entry in entries if shape and entry.gold and not shape.fullmatch(entry.gold)]
    found = {
        "have no text": empty,
        "have no gold answer": without if len(without) > known.without_gold else [],
        "stand there twice": doubled if len(doubled) > known.doubled else [],
        f"have a gold answer that the grader {known.grader} cannot take": odd,
    }
    for what, rows in found.items():
        if rows:
            named = ", ".join(row[:40] for row in rows[:NAMED])
            raise BadInput(f"{place}: {len(rows)} rows {what}: {named}", "Name a whole copy")


def _problem(name: str, split: str, entry: Entry) -> Problem:
    return Problem(
        id=f"{name}:{entry.id}",
        text=entry.text,
        gold=entry.gold,
        problem_set=name,
        split=split,
        tags=entry.tags,
        level=entry.level,
    )


def _plain(gold: str) -> str:
    match = _WHOLE.fullmatch(gold)
    return match[1] + match[2] if match else " ".join(gold.split())
