"""What a round leaves behind: one file, written last, that says which checkpoint stands after it, and why."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from reasonflux.errors import StorageError
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.config import Served, Standing
from reasonflux.storage.run import json_bytes
from reasonflux.storage.store import Store

RECORD = "round.json"  # in the round's directory


@dataclass(frozen=True, kw_only=True)
class RoundRecord:
    """One round of one model."""

    number: int  # counted from 1
    role: Role
    parent: Served
    problems: int
    pairs: int  # of the role
    reward: float | None  # mean reward of the round's draws
    purity: float | None  # share of X_sim in x's family, where families are known
    output_tokens: int  # of the generation
    dataset: str  # where the pairs are
    other: str = ""  # digest of the model that the round does not train
    candidate: Served | None = None  # None: there was nothing to train on, or the training was stopped
    promoted: bool = False
    reason: str = ""  # one sentence
    gate: Mapping[str, Any] | None = None  # `GateDecision.to_json`
    training: Mapping[str, Any] = field(default_factory=dict)  # the candidate's manifest
    seconds: float = 0.0  # of the session that ended the round

    def after(self, standing: Standing) -> Standing:
        """What stands after the round."""
        if not self.promoted:
            return standing
        assert self.candidate is not None
        return standing.replaced(self.role, self.candidate)

    def to_bytes(self) -> bytes:
        """JSON for the round's directory."""
        return json_bytes(asdict(self))

    @classmethod
    def parse(cls, data: bytes, place: str) -> "RoundRecord":
        """The inverse of `to_bytes`; raises `StorageError` for anything else."""
        try:
            values = json.loads(data)
            candidate = values["candidate"]
            read = {
                "role": Role(values["role"]),
                "parent": Served(**values["parent"]),
                "candidate": Served(**candidate) if candidate else None,
            }
            return cls(**(values | read))
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{place} is no record of a round: {error}", "Run the rounds again without it"
            ) from error


def replayed(records: Sequence[RoundRecord], role: Role, other: str, most: int) -> tuple[str, ...]:
    """The pairs of the last rounds that trained `role` while the `other` model had this digest, at most `most` sets.

    What a plan is worth depends on who carries it out, not on who wrote it: such pairs are still true.
    """
    found = [record.dataset for record in records if record.role is role and record.other == other and record.pairs]
    return tuple(found[max(0, len(found) - most) :])


def standing_after(records: Iterable[RoundRecord]) -> dict[Role, Served]:
    """What stands now of each model that a round was for; the rounds in order."""
    return {
        record.role: record.candidate if record.promoted and record.candidate else record.parent for record in records
    }


def read_record(run: Store, number: int) -> RoundRecord | None:
    """The record of a round of the run at `run`, None while it is not done."""
    path = f"round-{number}/{RECORD}"
    data = run.get(path)
    return None if data is None else RoundRecord.parse(data, f"{run.uri}/{path}")


def read_records(run: Store) -> Iterator[RoundRecord]:
    """The rounds that are done, in order."""
    number = 1
    while (record := read_record(run, number)) is not None:
        yield record
        number += 1
