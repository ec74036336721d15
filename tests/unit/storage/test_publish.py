"""Publishing: a directory that appears whole, once, and is never changed."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.errors import StorageError
from reasonflux.storage.objects import ObjectFiles
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import Child, kill, line

FILES = {"data/train.parquet": b"PAR1", "data/more.parquet": b"PAR1 more", "README.md": b"# pairs"}

_HANG_BEFORE_LAST_RENAME = """
import os, sys, time
from reasonflux.storage.store import Store
rename = os.rename
def hang(old, new):
    if str(new).endswith("dataset/ab12"):
        print("hangs", flush=True)
        time.sleep(600)
    rename(old, new)
os.rename = hang
Store.at(sys.argv[1]).publish("dataset/ab12", {"a.parquet": b"1", "b.parquet": b"2"})
"""


def test_published_files_are_there_and_publishing_again_is_a_success(store: Store) -> None:
    store.publish("dataset/ab12", FILES)
    store.publish("dataset/ab12", FILES)
    marker = [] if store.is_local else ["_SUCCESS"]
    assert store.list("dataset/") == sorted(f"dataset/ab12/{name}" for name in [*FILES, *marker])
    assert {name: store.read(f"dataset/ab12/{name}") for name in FILES} == FILES


@pytest.mark.parametrize(
    "other",
    [{**FILES, "README.md": b"# others"}, {**FILES, "LICENSE": b""}, {"README.md": FILES["README.md"]}],
    ids=["other bytes", "one file more", "files less"],
)
def test_other_content_under_a_published_name_is_refused(store: Store, other: dict[str, bytes]) -> None:
    store.publish("dataset/ab12", FILES)
    before = store.list()
    with pytest.raises(StorageError, match="never overwritten"):
        store.publish("dataset/ab12", other)
    assert store.list() == before
    assert {name: store.read(f"dataset/ab12/{name}") for name in FILES} == FILES


def test_publishing_cut_off_on_s3_is_completed(on_s3: Store) -> None:
    name, data = next(iter(FILES.items()))
    on_s3.put(f"dataset/ab12/{name}", data)
    on_s3.publish("dataset/ab12", FILES)
    assert on_s3.exists("dataset/ab12/_SUCCESS")
    assert {name: on_s3.read(f"dataset/ab12/{name}") for name in FILES} == FILES


def test_on_s3_what_says_that_all_is_there_comes_last(on_s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[str] = []
    create = ObjectFiles.create

    def noted(self: ObjectFiles, name: str, data: bytes) -> bool:
        created.append(name)
        return create(self, name, data)

    monkeypatch.setattr(ObjectFiles, "create", noted)
    on_s3.publish("dataset/ab12", FILES)
    assert created == [*(f"dataset/ab12/{name}" for name in FILES), "dataset/ab12/_SUCCESS"]


def test_a_reader_never_sees_half_a_directory(tmp_path: Path) -> None:
    seen: set[int] = set()
    done = threading.Event()
    directory = tmp_path / "dataset" / "ab12"

    def look() -> None:
        while not done.is_set():
            seen.add(len(list(directory.glob("*"))))

    reader = threading.Thread(target=look)
    reader.start()
    Store.at(tmp_path).publish("dataset/ab12", {f"part-{index}.parquet": b"x" * 1000 for index in range(40)})
    done.set()
    reader.join()
    assert seen <= {0, 40}


def test_a_publisher_killed_before_its_last_step_shows_nothing(local: Store, child: Callable[..., Child]) -> None:
    process = child(_HANG_BEFORE_LAST_RENAME, local.uri)
    assert line(process) == "hangs"
    kill(process)
    assert local.list() == []
    assert len(local.leftovers()) == 2
    local.publish("dataset/ab12", {"a.parquet": b"1", "b.parquet": b"2"})
    assert local.list("dataset/") == ["dataset/ab12/a.parquet", "dataset/ab12/b.parquet"]


def test_a_publisher_that_fails_leaves_nothing(local: Store) -> None:
    with pytest.raises(StorageError, match="cannot publish"):
        local.publish("dataset/ab12", {"a": b"", "a/b": b""})
    assert local.list() == []
    assert local.leftovers() == []
