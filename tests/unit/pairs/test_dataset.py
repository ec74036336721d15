from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from reasonflux.arrow import schema_of
from reasonflux.errors import StorageError
from reasonflux.pairs.dataset import PairDataset, PairFile, decode, encode
from reasonflux.pairs.provenance import Role
from reasonflux.records import Pair
from tests.unit.pairs.rows import facts, pair


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def files_of(role: Role, *numbers: int) -> PairFile:
    return PairFile.of(role, [pair(number, role.value) for number in numbers])


def dataset() -> PairDataset:
    return PairDataset(
        [
            files_of(Role.NAVIGATOR, 0, 1, 2),
            files_of(Role.REASONER, 0),
            files_of(Role.NAVIGATOR),
            files_of(Role.NAVIGATOR, 3, 4),
        ],
        facts(),
    )


def write(published: PairDataset, directory: Path) -> Path:
    for name, data in published.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    return directory


def test_files_are_numbered_by_role_without_the_empty_ones_and_the_card_comes_last() -> None:
    assert list(dataset()) == [
        "navigator/shard-00000.parquet",
        "navigator/shard-00001.parquet",
        "reasoner/shard-00000.parquet",
        "README.md",
    ]
    assert len(dataset()) == 4


def test_both_roles_load_by_name_from_the_card(tmp_path: Path) -> None:
    directory = str(write(dataset(), tmp_path / "pairs"))
    navigator = datasets.load_dataset(directory, "navigator", split="train")
    assert navigator.column_names == schema_of(Pair).names
    assert [row["id"] for row in navigator] == [f"navigator{number}" for number in range(5)]
    assert navigator[0]["prompt"] == [{"role": "user", "content": "What is 0 + 0?"}]
    assert navigator[0]["chosen"] == [{"role": "assistant", "content": "Add: 0"}]
    assert navigator[0]["standard_error_chosen"] is None
    assert len(datasets.load_dataset(directory, "reasoner", split="train")) == 1
    assert len(datasets.load_dataset(directory, split="train")) == 5


def test_the_parquet_loads_without_the_card(tmp_path: Path) -> None:
    directory = write(dataset(), tmp_path / "pairs")
    assert len(datasets.load_dataset("parquet", data_dir=str(directory / "navigator"), split="train")) == 5
    files = str(directory / "reasoner" / "*.parquet")
    assert len(datasets.load_dataset("parquet", data_files=files, split="train")) == 1


def test_a_role_without_pairs_loads_with_its_columns_and_does_not_spoil_the_other(tmp_path: Path) -> None:
    published = PairDataset([files_of(Role.NAVIGATOR, 1)], facts())
    directory = str(write(published, tmp_path / "pairs"))
    assert len(datasets.load_dataset(directory, "navigator", split="train")) == 1
    empty = datasets.load_dataset(directory, "reasoner", split="train", streaming=True)
    assert list(empty) == []
    assert empty.column_names == schema_of(Pair).names
    assert pq.read_table(tmp_path / "pairs" / "reasoner").schema.equals(schema_of(Pair))
    # What the card says of datasets 5.2; when this fails, that paragraph can go.
    with pytest.raises(ValueError, match="corresponds to no data"):
        datasets.load_dataset(directory, "reasoner", split="train")


def test_a_copy_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    directory = write(dataset(), tmp_path / "pairs")
    (directory / "navigator/shard-00001.parquet").unlink()
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        datasets.load_dataset(str(directory), "navigator")


def test_the_digest_follows_content_and_card() -> None:
    assert dataset().digest == dataset().digest
    one = PairDataset([files_of(Role.NAVIGATOR, 1)], facts())
    digests = {
        one.digest,
        PairDataset([files_of(Role.NAVIGATOR, 2)], facts()).digest,
        PairDataset([files_of(Role.REASONER, 1)], facts()).digest,
        PairDataset([files_of(Role.NAVIGATOR, 1)], facts(model="another")).digest,
    }
    assert len(digests) == 4


def test_bytes_are_read_when_they_are_asked_for_and_not_kept() -> None:
    data = encode([pair(1)])
    reads = []

    def read() -> bytes:
        reads.append(1)
        return data

    sealed = replace(PairFile.of(Role.NAVIGATOR, [pair(1)]), read=read)
    published = PairDataset([sealed], facts())
    assert published.digest
    assert reads == []
    assert published["navigator/shard-00000.parquet"] == data
    assert reads == [1]


def test_bytes_that_are_not_the_sealed_ones_are_never_published() -> None:
    damaged = replace(PairFile.of(Role.NAVIGATOR, [pair(1)]), read=lambda: encode([pair(2)]))
    with pytest.raises(StorageError, match="not those that their manifest names"):
        dict(PairDataset([damaged], facts()))


def test_names_sort_as_their_numbers_do_beyond_five_digits() -> None:
    one = files_of(Role.NAVIGATOR, 1)
    names = list(PairDataset([one] * 100_001, facts()))[:-2]
    assert names == sorted(names)
    assert names[-1] == "navigator/shard-100000.parquet"


def test_encoding_gives_equal_bytes_and_reads_back() -> None:
    rows = [pair(1), pair(2)]
    assert encode(rows) == encode(rows)
    assert decode(encode(rows)) == rows
    assert decode(encode([])) == []
