"""The data set goes through a store as it would from a job, and an outsider reads it where it lies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reasonflux.errors import StorageError
from reasonflux.pairs.dataset import PairDataset, PairFile
from reasonflux.pairs.provenance import Role
from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.unit.pairs.rows import facts, pair

OUTSIDER = """
import sys
from datasets import load_dataset
pairs = load_dataset("parquet", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
print(len(pairs), pairs[0]["chosen"], pairs[0]["margin"])
"""


def published() -> PairDataset:
    files = [PairFile.of(Role.NAVIGATOR, [pair(number), pair(number + 1)]) for number in (0, 2)]
    return PairDataset(files, facts())


def read_by_an_outsider(files: str, cache: Path, env: dict[str, str]) -> str:
    command = [sys.executable, "-c", OUTSIDER, files, str(cache)]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_pairs_on_s3_are_read_there_by_plain_datasets(s3_server: S3Server, tmp_path: Path) -> None:
    dataset = published()
    store = Store.at(s3_server.new_bucket())
    store.publish(f"dataset/{dataset.digest}", dataset)
    store.publish(f"dataset/{dataset.digest}", dataset)  # a run that is started again publishes again
    home = store.child("dataset", dataset.digest)
    assert home.list() == sorted([*dataset, "_SUCCESS"])  # S3 has no rename: the marker, written last, says "whole"
    read = read_by_an_outsider(f"{home.uri}/navigator/*.parquet", tmp_path, s3_server.env)
    assert read == "4 [{'role': 'assistant', 'content': 'Add: 0'}] 0.5"


def test_a_published_directory_is_whole_or_absent(tmp_path: Path) -> None:
    def fails() -> bytes:
        raise StorageError("the run directory went away")

    good = PairFile.of(Role.NAVIGATOR, [pair(1)])
    bad = PairFile(role=Role.REASONER, rows=1, sha256="0", read=fails)
    with pytest.raises(StorageError):
        Store.at(tmp_path).publish("dataset/x", PairDataset([good, bad], facts()))
    assert not (tmp_path / "dataset" / "x").exists()
    Store.at(tmp_path).publish("dataset/x", published())
    assert Store.at(tmp_path / "dataset" / "x").list() == sorted(published())
