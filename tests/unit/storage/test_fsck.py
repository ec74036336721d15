"""fsck: each kind of fault is found, and a sound run has none."""

import pytest

from reasonflux.records import Rollout
from reasonflux.storage.fsck import Fault, Finding, fsck
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import rollout

SHARD = "stage=rollouts/shard=00000"


@pytest.fixture
def whole(store: Store) -> Store:
    """A finished stage of two shards of two parts each."""
    return _finished(store)


@pytest.fixture
def whole_local(local: Store) -> Store:
    """The same, on a directory only."""
    return _finished(local)


def _finished(store: Store) -> Store:
    stage = Stage(store, "rollouts", Rollout)
    store.put("config.yaml", b"name: first\n")
    for shard in range(2):
        for row_id in ("a", "b"):
            stage.commit(shard, [rollout(f"{row_id}{shard}")])
        stage.seal(shard, None, {})
    stage.finish(2, {})
    return store


def part(store: Store) -> str:
    return store.list(f"{SHARD}/part-")[0]


def found(store: Store) -> list[tuple[Fault, str]]:
    return [(finding.fault, finding.path) for finding in fsck(store)]


def test_a_sound_run_has_no_faults(whole: Store) -> None:
    assert fsck(whole) == []


def test_a_changed_byte_is_found(whole: Store) -> None:
    name = part(whole)
    data = bytearray(whole.read(name))
    data[len(data) // 2] ^= 1
    whole.put(name, bytes(data))
    (finding,) = fsck(whole)
    assert (finding.fault, finding.path, finding.loses_data) == (Fault.CHANGED, name, True)


def test_a_missing_part_is_found(whole: Store) -> None:
    name = part(whole)
    whole.delete(name)
    assert fsck(whole) == [Finding(fault=Fault.MISSING, path=name, message="1 rows are lost")]


def test_a_part_that_no_manifest_names_is_found(whole: Store) -> None:
    Stage(whole, "rollouts", Rollout).commit(0, [rollout("late")])
    (finding,) = fsck(whole)
    assert (finding.fault, finding.loses_data) == (Fault.ORPHAN, False)


def test_parts_that_were_merged_are_orphans_and_nothing_else(local: Store) -> None:
    stage = Stage(local, "rollouts", Rollout)
    stage.commit(0, [rollout("a"), rollout("b")])
    stage.commit(0, [rollout("b")])
    stage.seal(0, None, {})
    assert [fault for fault, _ in found(local)] == [Fault.ORPHAN] * 2


def test_an_open_shard_is_found(whole_local: Store) -> None:
    Stage(whole_local, "graded", Rollout).commit(5, [rollout("a")])
    assert found(whole_local) == [(Fault.UNSEALED, "stage=graded/shard=00005")]


def test_a_finished_stage_without_a_shard_is_found(whole_local: Store) -> None:
    for name in whole_local.list(SHARD):
        whole_local.delete(name)
    assert found(whole_local) == [(Fault.MISSING, SHARD)]


def test_a_shard_sealed_anew_behind_its_finished_stage_is_found(whole_local: Store) -> None:
    whole_local.delete(f"{SHARD}/manifest.json")
    stage = Stage(whole_local, "rollouts", Rollout)
    stage.commit(0, [rollout("c0")])
    stage.seal(0, None, {})
    assert found(whole_local) == [(Fault.CHANGED, f"{SHARD}/manifest.json")]


def test_manifests_that_cannot_be_read_are_found(whole_local: Store) -> None:
    whole_local.put(f"{SHARD}/manifest.json", b'{"stage": "rollouts"')
    whole_local.put("stage=rollouts/manifest.json", b"[]")
    assert found(whole_local) == [
        (Fault.UNREADABLE, "stage=rollouts/manifest.json"),
        (Fault.UNREADABLE, f"{SHARD}/manifest.json"),
    ]


def test_what_a_killed_writer_left_is_found(whole_local: Store) -> None:
    whole_local.put(f"{SHARD}/.writing-0123", b"half a part")  # tests of the store kill writers for real
    assert found(whole_local) == [(Fault.TEMPORARY, f"{SHARD}/.writing-0123")]
    whole_local.delete(f"{SHARD}/.writing-0123")
    assert fsck(whole_local) == []
