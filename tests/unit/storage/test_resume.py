"""Resuming: whatever was killed, and however often rows were committed, each id ends up there once."""

import tempfile
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from reasonflux.records import Rollout
from reasonflux.storage.fsck import fsck
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import Child, kill, line, rollout

_COMMIT = """
import sys
import time
from reasonflux.records import Rollout
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import rollout
stage = Stage(Store.at(sys.argv[1]), "rollouts", Rollout)
for start in range(0, 400, 4):
    stage.commit(0, [rollout(f"{index:04d}") for index in range(start, start + 4)])
    print(start, flush=True)
    if start == 200:
        time.sleep(600)
"""


def test_after_a_kill_only_what_is_missing_is_done_and_the_shard_is_whole(
    local: Store, child: Callable[..., Child]
) -> None:
    worker = child(_COMMIT, local.uri)
    while line(worker) != "20":
        pass
    kill(worker)
    stage = Stage(local, "rollouts", Rollout)
    expected = {f"{index:04d}" for index in range(400)}
    committed = stage.committed(0)
    assert {f"{index:04d}" for index in range(24)} <= committed < expected
    stage.commit(0, [rollout(row_id) for row_id in sorted(expected - committed)])
    assert stage.seal(0, expected, {}).rows == 400
    assert {row.id for row in stage.records(0)} == expected
    assert not [finding for finding in fsck(local) if finding.loses_data]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), max_size=6))
def test_however_rows_are_cut_and_doubled_each_id_is_sealed_once(commits: list[set[str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        stage = Stage(Store.at(directory), "rollouts", Rollout)
        for index, ids in enumerate(commits):
            stage.commit(0, [rollout(row_id, text=str(index)) for row_id in ids])
        expected = set().union(*commits)
        assert stage.committed(0) == expected
        manifest = stage.seal(0, expected, {})
        rows = stage.records(0)
        assert [row.id for row in rows] == sorted(expected)
        assert manifest.rows == len(expected)
        assert stage.seal(0, expected, {}) == manifest
        stage.read(0, verify=True)
        assert all(row.id in commits[int(row.text)] for row in rows)
