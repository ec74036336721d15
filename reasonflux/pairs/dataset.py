"""The data set that pairs are published as: Parquet per role and a card, written last, under a name that is a digest.

    dataset/<digest>/navigator/shard-00000.parquet …
                     reasoner/shard-00000.parquet …
                     README.md

`datasets.load_dataset(directory, "navigator")` reads it, and so does TRL, with no mapping: the columns are the fields
of `records.Pair`, of which `prompt`, `chosen` and `rejected` are in TRL's conversational format.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import pyarrow.parquet as pq

from reasonflux.arrow import from_table, schema_of, to_table
from reasonflux.errors import StorageError
from reasonflux.identity import digest
from reasonflux.pairs.card import CardFacts, card
from reasonflux.pairs.provenance import Role
from reasonflux.records import Pair

CARD = "README.md"


def encode(pairs: Sequence[Pair]) -> bytes:
    """One Parquet file with the schema of `Pair`; equal pairs give equal bytes under one version of pyarrow."""
    file = BytesIO()
    with pq.ParquetWriter(file, schema_of(Pair), compression="zstd") as writer:
        if pairs:  # a row group of no rows cannot be read by `datasets` 5.2; a file without row groups can
            writer.write_table(to_table(Pair, pairs))
    return file.getvalue()


def decode(data: bytes) -> list[Pair]:
    """The inverse of `encode`."""
    return from_table(Pair, pq.read_table(BytesIO(data)))


@dataclass(frozen=True, kw_only=True)
class PairFile:
    """A Parquet file of pairs of one role that stands somewhere already; its bytes are read when they are asked for."""

    role: Role
    rows: int
    sha256: str  # of its bytes
    read: Callable[[], bytes]

    @classmethod
    def of(cls, role: Role, pairs: Sequence[Pair]) -> "PairFile":
        """A file in memory."""
        data = encode(pairs)
        return cls(role=role, rows=len(pairs), sha256=hashlib.sha256(data).hexdigest(), read=lambda: data)


class PairDataset(Mapping[str, bytes]):
    """The published files by relative path, the card last; bytes are read on access, so that one at a time is held.

    Files are numbered in the order given; those without rows are left out, but a role without any pair gets one empty
    file, which has the columns, so that it loads too. `Store.publish(f"dataset/{dataset.digest}", dataset)` writes it.
    """

    def __init__(self, files: Sequence[PairFile], facts: CardFacts) -> None:
        self._files: dict[str, PairFile] = {}
        for role in Role:
            own = [file for file in files if file.role is role and file.rows] or [PairFile.of(role, [])]
            width = max(5, len(str(len(own) - 1)))  # names sort as numbers do, since readers sort them
            self._files |= {f"{role.value}/shard-{number:0{width}}.parquet": file for number, file in enumerate(own)}
        rows = {role: sum(file.rows for file in files if file.role is role) for role in Role}
        self._card = card(facts, rows).encode()

    @property
    def digest(self) -> str:
        """Digest over the SHA-256 of every file, the card's too: a name that other content cannot have."""
        sums = {name: file.sha256 for name, file in self._files.items()}
        return digest("dataset", sums, hashlib.sha256(self._card).hexdigest())

    def __getitem__(self, name: str) -> bytes:
        """Bytes of one file; raises `StorageError` when they are not those that were sealed."""
        if name == CARD:
            return self._card
        file = self._files[name]
        data = file.read()
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise StorageError(
                f"the pairs for {name} are not those that their manifest names",
                "Run `reasonflux fsck` on the run directory; nothing damaged is published",
            )
        return data

    def __iter__(self) -> Iterator[str]:
        yield from self._files
        yield CARD

    def __len__(self) -> int:
        return len(self._files) + 1
