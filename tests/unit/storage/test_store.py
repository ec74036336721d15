"""Stores: atomic puts, creates that one writer wins, listings that are never stale."""

import json
import os
import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasonflux.errors import BadInput, StorageError
from reasonflux.storage.objects import ObjectFiles
from reasonflux.storage.probe import probe
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import Child, kill, line

_HANG_BEFORE = """
import os, sys, time
from reasonflux.storage.store import Store
def hang(*arguments):
    print("hangs", flush=True)
    time.sleep(600)
setattr(os, sys.argv[2], hang)
getattr(Store.at(sys.argv[1]), sys.argv[3])("stage=a/part-1.parquet", b"x" * 100_000)
"""

_COMMIT_FOR_EVER = """
import itertools, sys
from reasonflux.storage.store import Store
store = Store.at(sys.argv[1])
for index in itertools.count():
    store.put(f"part-{index % 7}", index.to_bytes(4, "big") * 50_000)
    print(index, flush=True)
"""

_RACE = """
import json, sys
from reasonflux.storage.store import Store
store = Store.at(sys.argv[1])
store.exists("warm")
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps([store.create(f"name-{index}", sys.argv[2].encode()) for index in range(10)]), flush=True)
"""


def test_a_put_is_read_back_and_replaces_what_was_there(store: Store) -> None:
    store.put("a/b.bin", b"old")
    store.put("a/b.bin", b"new")
    assert store.read("a/b.bin") == b"new"
    assert store.exists("a/b.bin")
    assert not store.exists("a")


def test_reading_what_is_not_there_names_it(store: Store) -> None:
    assert store.get("nothing") is None
    with pytest.raises(StorageError, match=r"run/nothing does not exist"):
        store.read("nothing")


def test_create_keeps_the_first_bytes(store: Store) -> None:
    assert store.create("manifest.json", b"first")
    assert store.create("manifest.json", b"first"), "equal bytes are a success"
    assert not store.create("manifest.json", b"other")
    assert store.read("manifest.json") == b"first"


def test_a_listing_shows_each_write_and_delete_at_once(store: Store) -> None:
    assert store.list() == []
    for count in range(3):
        store.put(f"stage=a/part-{count}", b"")
        assert len(store.list("stage=a/")) == count + 1
    store.put("stage=ab/part-0", b"")
    assert store.list("stage=a/part-") == ["stage=a/part-0", "stage=a/part-1", "stage=a/part-2"]
    assert store.list() == [*store.list("stage=a/"), "stage=ab/part-0"]
    store.delete("stage=a/part-1")
    store.delete("stage=a/part-1")
    assert store.list("stage=a/") == ["stage=a/part-0", "stage=a/part-2"]
    assert store.child("stage=a").list() == ["part-0", "part-2"]


def test_many_files_are_read_and_absent_ones_left_out(store: Store) -> None:
    names = [f"part-{index}" for index in range(20)]
    for name in names[::2]:
        store.put(name, name.encode())
    assert store.get_many(names) == {name: name.encode() for name in names[::2]}
    assert store.get_many([]) == {}


def test_a_store_works_after_a_trip_through_pickle(store: Store) -> None:
    store.put("a", b"1")
    copy = pickle.loads(pickle.dumps(store))
    assert copy == store
    assert copy.read("a") == b"1"


@pytest.mark.slow
def test_of_several_processes_exactly_one_creates_a_name(store: Store, child: Callable[..., Child]) -> None:
    racers = [child(_RACE, store.uri, str(index)) for index in range(3 if store.is_local else 2)]
    assert {line(racer) for racer in racers} == {"ready"}
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [json.loads(line(racer)) for racer in racers]
    assert [sum(column) for column in zip(*won, strict=True)] == [1] * 10
    for index in range(10):
        winner = next(racer for racer, wins in enumerate(won) if wins[index])
        assert store.read(f"name-{index}") == str(winner).encode()


@pytest.mark.parametrize(("call", "method"), [("rename", "put"), ("link", "create"), ("fsync", "put")])
def test_a_writer_killed_before_its_last_step_leaves_no_part(
    local: Store, child: Callable[..., Child], call: str, method: str
) -> None:
    if call == "fsync":
        local.put("stage=a/part-0.parquet", b"")  # else the first fsync is the directory's
    process = child(_HANG_BEFORE, local.uri, call, method)
    assert line(process) == "hangs"
    kill(process)
    assert not local.exists("stage=a/part-1.parquet")
    assert local.list() == (["stage=a/part-0.parquet"] if call == "fsync" else [])
    assert len(local.leftovers()) == 1


def test_a_writer_killed_at_any_moment_leaves_whole_files(local: Store, child: Callable[..., Child]) -> None:
    for wait_for in ("3", "9", "20"):
        process = child(_COMMIT_FOR_EVER, local.uri)
        while line(process) != wait_for:
            pass
        kill(process)
        for name in local.list():
            data = local.read(name)
            assert len(data) == 200_000
            assert data == data[:4] * 50_000


def test_a_local_path_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Store.at("runs").uri == str(tmp_path / "runs")
    assert Store.at(f"file://{tmp_path}/runs/").uri == str(tmp_path / "runs")
    assert Store.at("runs").is_local
    assert Store.at("~/runs").uri == os.path.expanduser("~/runs")


def test_a_uri_is_kept_as_it_is() -> None:
    assert Store.at("s3://bucket/prefix/").uri == "s3://bucket/prefix"
    assert Store.at("s3a://bucket").child("a", "b").uri == "s3://bucket/a/b"
    assert not Store.at("s3://bucket").is_local


@pytest.mark.parametrize("place", ["", "s4://bucket/prefix", "s3://", "s3:///prefix"])
def test_a_place_that_nothing_opens_is_refused(place: str) -> None:
    with pytest.raises(BadInput):
        Store.at(place)


def test_any_other_scheme_that_fsspec_opens_works_alike() -> None:
    store = Store.at(f"memory://{uuid.uuid4().hex}").child("run")
    probe(store)
    store.put("stage=a/part-0", b"1")
    assert store.create("manifest.json", b"first")
    assert not store.create("manifest.json", b"other")
    assert store.list() == ["manifest.json", "stage=a/part-0"]
    assert store.get_many(["stage=a/part-0", "none"]) == {"stage=a/part-0": b"1"}
    store.delete("stage=a/part-0")
    assert store.list("stage=a/") == []


@pytest.mark.parametrize(("conflicts", "created"), [(2, True), (9, None)])
def test_a_conditional_put_that_s3_wants_again_is_sent_again_for_a_while(
    on_s3: Store, monkeypatch: pytest.MonkeyPatch, conflicts: int, created: bool | None
) -> None:
    from botocore.exceptions import ClientError

    monkeypatch.setattr("reasonflux.storage.objects.CONFLICT_PAUSES_S", (0.0,) * 4)
    files = ObjectFiles(on_s3.uri)
    send = files._fs.pipe_file
    answers = ["ConditionalRequestConflict"] * conflicts

    def pipe_file(*arguments: Any, **named: Any) -> None:
        if answers:
            raise OSError(5, "again") from ClientError({"Error": {"Code": answers.pop()}}, "PutObject")
        send(*arguments, **named)

    monkeypatch.setattr(files._fs, "pipe_file", pipe_file)
    if created:
        assert files.create("a", b"1")
        assert on_s3.read("a") == b"1"
    else:
        with pytest.raises(OSError, match="again"):
            files.create("a", b"1")
        assert len(answers) == conflicts - 5


def test_a_put_that_fails_leaves_nothing(local: Store) -> None:
    local.put("a/b", b"")
    with pytest.raises(StorageError):
        local.put("a", b"")
    assert local.leftovers() == []


def test_a_file_systems_error_becomes_one_line_that_says_what_was_done(local: Store) -> None:
    local.put("a", b"")
    with pytest.raises(StorageError, match=r"cannot write .*run/a/b: .*") as caught:
        local.put("a/b", b"")
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
