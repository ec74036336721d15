"""Stages: rows committed once, shards sealed only when whole, manifests that say what is there."""

import hashlib
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow.parquet as pq
import pytest

from reasonflux.arrow import schema_of
from reasonflux.errors import Incomplete, StorageError
from reasonflux.records import Rollout, TrajectoryReward
from reasonflux.storage.manifests import ShardManifest
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import reward, rollout

IDS = ["a1", "b2", "c3", "d4"]


def rollouts(store: Store) -> Stage[Rollout]:
    return Stage(store, "rollouts", Rollout)


def rewards(store: Store) -> Stage[TrajectoryReward]:
    return Stage(store, "rewards", TrajectoryReward)


def parts_of(store: Store) -> list[str]:
    return [name for name in store.list() if name.endswith(".parquet")]


def test_rows_go_through_commit_seal_and_read_unchanged(store: Store) -> None:
    stage = pickle.loads(pickle.dumps(rollouts(store)))
    rows = [rollout(row_id, failed=row_id == "c3") for row_id in IDS]
    assert stage.commit(0, [rows[3], rows[0]]) == 2
    assert stage.commit(0, rows[1:3]) == 2
    assert stage.committed(0) == set(IDS)
    manifest = stage.seal(0, IDS, {"attempts": "ab12"})
    assert stage.records(0) == rows, "in the order of their ids, whatever parts they came in"
    assert (manifest.rows, manifest.status, manifest.inputs) == (4, {"done": 3, "failed": 1}, {"attempts": "ab12"})
    assert stage.sealed(0) == manifest
    assert stage.read(0, verify=True).schema == schema_of(Rollout)
    assert stage.read(0, ["text"]).column_names == ["text"]
    assert stage.failures(0).column("id").to_pylist() == ["c3"]


def test_a_part_is_zstd_parquet_with_the_records_own_schema(local: Store) -> None:
    rollouts(local).commit(0, [rollout("a1")])
    (name,) = parts_of(local)
    file = pq.ParquetFile(f"{local.uri}/{name}")
    assert file.schema_arrow == schema_of(Rollout)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_no_rows_write_nothing_and_an_empty_shard_can_be_sealed(store: Store) -> None:
    stage = rollouts(store)
    assert stage.commit(0, []) == 0
    assert store.list() == []
    assert stage.seal(0, [], {}).rows == 0
    assert stage.records(0) == []
    assert stage.read(0).schema == schema_of(Rollout)


def test_the_same_rows_committed_again_are_one_part_and_the_first_bytes_stay(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("b2"), rollout("a1")])
    stage.commit(0, [rollout("a1", text="drawn again"), rollout("b2")])
    assert len(parts_of(store)) == 1
    stage.seal(0, ["a1", "b2"], {})
    assert [row.text for row in stage.records(0)] == ["so \\boxed{4}"] * 2


def test_an_id_twice_in_one_commit_is_refused(local: Store) -> None:
    with pytest.raises(StorageError, match="id a1 stands 2 times"):
        rollouts(local).commit(0, [rollout("a1"), rollout("b2"), rollout("a1")])
    assert local.list() == []


def test_a_seal_refuses_missing_ids_and_names_three(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(7, [rollout("a1")])
    told = r"rollouts, shard 7 .*5 of 6 rows are missing: b2, c3, d4 …\. Run again"  # and no more than three
    with pytest.raises(Incomplete, match=told):
        stage.seal(7, [*IDS, "e5", "f6"], {})
    assert stage.sealed(7) is None


def test_a_seal_refuses_foreign_ids(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("a1"), rollout("z9")])
    with pytest.raises(StorageError, match="1 rows that do not belong to it: z9"):
        stage.seal(0, ["a1"], {})
    assert stage.sealed(0) is None


def test_doubled_ids_are_merged_and_the_first_parts_row_stays(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("a1", text="one"), rollout("b2", text="one")])
    stage.commit(0, [rollout("b2", text="two"), rollout("c3", text="two")])
    first, _ = parts_of(store)
    won = pq.read_table(io.BytesIO(store.read(first))).column("text")[0].as_py()
    manifest = stage.seal(0, ["a1", "b2", "c3"], {})
    assert [file.rows for file in manifest.files] == [3]
    assert manifest.files[0].name not in {first.rpartition("/")[2]}
    assert [row.id for row in stage.records(0)] == ["a1", "b2", "c3"]
    assert stage.records(0)[1].text == won
    assert manifest.status == {"done": 3}


def test_a_part_that_holds_all_of_another_is_merged_too(local: Store) -> None:
    stage = rollouts(local)
    stage.commit(0, [rollout("a1"), rollout("b2")])
    stage.commit(0, [rollout("a1")])
    assert stage.seal(0, ["a1", "b2"], {}).rows == 2
    assert len(stage.records(0)) == 2


def test_a_merge_cut_off_before_the_manifest_is_done_again_to_the_same_end(local: Store) -> None:
    stage = rollouts(local)
    stage.commit(0, [rollout("a1"), rollout("b2")])
    stage.commit(0, [rollout("b2", text="again")])
    manifest = stage.seal(0, None, {})
    local.delete("stage=rollouts/shard=00000/manifest.json")
    assert stage.committed(0) == {"a1", "b2"}
    assert stage.seal(0, ["a1", "b2"], {}) == manifest


def test_sealing_again_is_a_success_with_the_same_ids_and_inputs_only(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("a1")])
    manifest = stage.seal(0, ["a1"], {"attempts": "1"})
    assert stage.seal(0, ["a1"], {"attempts": "1"}) == manifest
    assert stage.seal(0, None, {"attempts": "1"}) == manifest
    with pytest.raises(StorageError, match="sealed with other ids"):
        stage.seal(0, ["a1", "b2"], {"attempts": "1"})
    with pytest.raises(StorageError, match="sealed with other inputs"):
        stage.seal(0, ["a1"], {"attempts": "2"})


def test_a_straggler_changes_nothing_in_a_sealed_shard(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("a1"), rollout("b2")])
    manifest = stage.seal(0, ["a1", "b2"], {})
    stage.commit(0, [rollout("b2", text="late"), rollout("a1", text="late")])
    stage.commit(0, [rollout("a1", text="later")])
    assert stage.seal(0, ["a1", "b2"], {}) == manifest
    assert {row.text for row in stage.records(0)} == {"so \\boxed{4}"}
    stage.read(0, verify=True)


def test_concurrent_equal_seals_all_succeed_and_unequal_ones_do_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("a1")])
    with ThreadPoolExecutor(4) as pool:
        manifests = list(pool.map(lambda _: stage.seal(0, ["a1"], {}), range(4)))
    assert manifests == [stage.sealed(0)] * 4
    sealed = stage.sealed(0)
    answers: list[Any] = [None, sealed]  # the other seal lands after the first look
    monkeypatch.setattr(Stage, "sealed", lambda *_: answers.pop(0))
    with pytest.raises(StorageError, match="sealed with other inputs"):
        stage.seal(0, ["a1"], {"attempts": "other"})


def test_reading_trusts_manifests_alone(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("a1")])
    with pytest.raises(StorageError, match=r"shard 0 .* is not sealed"):
        stage.read(0)
    stage.seal(0, None, {})
    (part,) = parts_of(store)
    store.put("stage=rollouts/shard=00000/part-other.parquet", store.read(part))
    assert len(stage.records(0)) == 1
    store.delete(part)
    with pytest.raises(StorageError, match="is missing"):
        stage.read(0)


def test_verified_reads_refuse_a_part_that_changed(local: Store) -> None:
    stage = rollouts(local)
    stage.commit(0, [rollout("a1")])
    stage.seal(0, None, {})
    (part,) = parts_of(local)
    data = bytearray(local.read(part))
    data[10] ^= 1
    local.put(part, bytes(data))
    with pytest.raises(StorageError, match="has changed since it was sealed"):
        stage.read(0, verify=True)
    local.put(part, b"PAR1 no more")
    with pytest.raises(StorageError, match="cannot be read as Parquet"):
        stage.read(0)


def test_rows_of_another_record_are_refused(local: Store) -> None:
    rollouts(local).commit(0, [rollout("a1")])
    with pytest.raises(StorageError, match="other columns"):
        Stage(local, "rollouts", TrajectoryReward).seal(0, None, {})


def test_a_manifest_of_another_generation_is_stale(local: Store) -> None:
    rollouts(local).seal(0, None, {})
    with pytest.raises(StorageError, match="is generation 0, not 1"):
        Stage(local, "rollouts", Rollout, generation=1).sealed(0)


def test_the_manifest_holds_the_digests_of_what_lies_there(store: Store) -> None:
    stage = rollouts(store)
    stage.commit(0, [rollout("a1")])
    stage.commit(0, [rollout("b2")])
    manifest = stage.seal(0, None, {})
    lying = {name.rpartition("/")[2]: hashlib.sha256(store.read(name)).hexdigest() for name in parts_of(store)}
    assert {file.name: file.sha256 for file in manifest.files} == lying
    text = store.read("stage=rollouts/shard=00000/manifest.json")
    assert ShardManifest.parse(text, "here").to_bytes() == text


def test_a_shard_made_by_one_task_runs_again_to_the_same_bytes(store: Store) -> None:
    stage = rewards(store)
    store.put("stage=rewards/shard=00003/whole-0.parquet", b"of a task that was killed")
    manifest = stage.put_shard(3, [reward("b"), reward("a")], {"graded": "1"})
    before = {name: store.read(name) for name in store.list()}
    assert stage.put_shard(3, [reward("b"), reward("a")], {"graded": "1"}) == manifest
    assert {name: store.read(name) for name in store.list()} == before
    assert [row.id for row in stage.records(3)] == ["a", "b"]
    with pytest.raises(StorageError, match="sealed with other files"):
        stage.put_shard(3, [reward("b"), reward("a", 1.0)], {"graded": "1"})
    assert {name: store.read(name) for name in store.list()} == before
    assert stage.put_shard(4, []).rows == 0


def test_a_straggler_with_other_rows_cannot_spoil_a_shard_made_by_one_task(
    local: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = rewards(local)
    manifest = stage.put_shard(0, [reward("a")])
    answers: list[Any] = [None, manifest]  # it looked before the shard was sealed
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "sealed", lambda *_: answers.pop(0))
        with pytest.raises(StorageError, match="sealed with other files"):
            stage.put_shard(0, [reward("a", 1.0)])
    stage.read(0, verify=True)
    assert stage.records(0) == [reward("a")]


def test_a_record_without_status_has_no_status_counts_and_no_failures(local: Store) -> None:
    stage = rewards(local)
    assert stage.put_shard(0, [reward("a")]).status == {}
    assert stage.failures(0).num_rows == 0


def test_a_stage_is_finished_only_when_every_shard_is_sealed(store: Store) -> None:
    stage = rollouts(store)
    for shard in (0, 2):
        stage.commit(shard, [rollout(f"a{shard}"), rollout(f"b{shard}", failed=True)])
        stage.seal(shard, None, {})
    with pytest.raises(Incomplete, match=r"rollouts: 2 of 4 shards are not sealed: 1, 3"):
        stage.finish(4, {})
    assert stage.manifest() is None
    assert stage.open_shards(4) == [1, 3]
    for shard in (1, 3):
        stage.seal(shard, [], {})
    manifest = stage.finish(4, {"sampling": {"temperature": 1.0}}, {"attempts": "ab"})
    assert manifest == stage.manifest()
    assert (manifest.rows, [shard.rows for shard in manifest.shards]) == (4, [2, 0, 2, 0])
    assert manifest.status == {"done": 2, "failed": 2}
    assert manifest.meta == {"sampling": {"temperature": 1.0}}
    assert manifest.inputs == {"attempts": "ab"}
    assert "pyarrow" in manifest.versions


def test_finishing_again_keeps_the_manifest_and_refuses_other_shards(store: Store) -> None:
    stage = rewards(store)
    stage.put_shard(0, [reward("a")])
    stage.put_shard(1, [reward("b")])
    manifest = stage.finish(2, {"when": "first"})
    assert stage.finish(2, {"when": "again"}) == manifest
    with pytest.raises(StorageError, match="finished with other shards"):
        stage.finish(1, {})


def test_digests_follow_content_and_not_the_way_it_was_cut(tmp_path: Any) -> None:
    stages = [rollouts(Store.at(tmp_path / name)) for name in ("one", "two", "other")]
    stages[0].commit(0, [rollout("a1"), rollout("b2")])
    for row_id in ("b2", "a1"):
        stages[1].commit(0, [rollout(row_id)])
    stages[2].commit(0, [rollout("a1"), rollout("c3")])
    one, two, other = (stage.seal(0, None, {}) for stage in stages)
    assert one.ids == two.ids != other.ids
    assert one.digest != other.digest
    assert stages[0].records(0) == stages[1].records(0)
