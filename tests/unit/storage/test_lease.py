"""Leases: one driver a run, named to whoever else tries, displaced only when gone or silent."""

import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest

from reasonflux.errors import LeaseHeld
from reasonflux.records import Rollout
from reasonflux.storage.fence import Fence, highest_token
from reasonflux.storage.holder import Holder
from reasonflux.storage.lease import Lease, LeaseFile
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import Child, kill, line, rollout

PROMPTLY_S = 20.0  # a third of the time to live that would be waited for otherwise
ELSEWHERE = Holder(host="node-7", pid=4242, started=1.0, command="jobs/generate_pairs.py --set a=1", place="other")

_HOLD = """
import sys, time
from reasonflux.errors import LeaseHeld
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.store import Store
lease = Lease.acquire(Store.at(sys.argv[1]), Holder.current(), ttl_s=float(sys.argv[2]), heartbeat_s=0.05)
print(lease.token, flush=True)
sys.stdin.readline()
try:
    lease.check()
except LeaseHeld as error:
    print(error, flush=True)
"""


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """A lease whose heartbeat outlives its test would write into the next one's time."""
    yield
    deadline = time.monotonic() + 5
    while any(thread.name == "lease-heartbeat" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "a test left a lease unreleased"
        time.sleep(0.01)


def silent(store: Store, holder: Holder, *, ttl_s: float, token: int = 1) -> LeaseFile:
    """The file of a driver that took the run and was never heard of again."""
    file = LeaseFile(
        token=token,
        nonce="n",
        holder=holder,
        since="2031-01-01T00:00:00+00:00",
        last_heartbeat="2031-01-01T00:00:00+00:00",  # a clock that runs ahead must not matter
        beats=3,
        ttl_s=ttl_s,
        heartbeat_s=ttl_s / 5,
    )
    assert store.create(f"lease/{token:08d}.json", file.model_dump_json().encode())
    return file


def test_a_second_driver_refuses_promptly_and_names_the_holder(store: Store) -> None:
    with Lease.acquire(store, Holder.current(), ttl_s=60, heartbeat_s=0.1) as lease:
        assert lease.token == 1
        began = time.monotonic()
        with pytest.raises(LeaseHeld) as caught:
            Lease.acquire(store, Holder.current())
        assert time.monotonic() - began < PROMPTLY_S
        lease.check()
    message = str(caught.value)
    holder = Holder.current()
    for part in (holder.host, f"process {holder.pid}", "since 20", "last heartbeat 20", holder.command):
        assert part in message
    assert caught.value.exit_status == 3


def test_a_released_run_is_taken_at_once_with_a_higher_token(store: Store) -> None:
    Lease.acquire(store, Holder.current(), ttl_s=60).release()
    began = time.monotonic()
    with Lease.acquire(store, Holder.current(), ttl_s=60) as lease:
        assert lease.token == 2
    assert time.monotonic() - began < PROMPTLY_S


def test_without_wait_a_holder_elsewhere_is_named_at_once(local: Store) -> None:
    silent(local, ELSEWHERE, ttl_s=60)
    with pytest.raises(LeaseHeld, match=r"process 4242 on node-7 .*jobs/generate_pairs.py"):
        Lease.acquire(local, Holder.current(), wait=False)


def test_a_killed_holder_on_this_host_is_displaced_at_once(local: Store, child: Callable[..., Child]) -> None:
    holder = child(_HOLD, local.uri, "60")
    assert line(holder) == "1"
    with pytest.raises(LeaseHeld):
        Lease.acquire(local, Holder.current())
    kill(holder)
    began = time.monotonic()
    with Lease.acquire(local, Holder.current(), wait=False) as lease:
        assert lease.token == 2
    assert time.monotonic() - began < PROMPTLY_S


def test_a_stopped_holder_is_displaced_after_its_time_to_live_and_finds_out(
    local: Store, child: Callable[..., Child]
) -> None:
    holder = child(_HOLD, local.uri, "0.5")
    assert line(holder) == "1"
    process = psutil.Process(holder.pid)
    process.suspend()
    began = time.monotonic()
    with Lease.acquire(local, Holder.current()) as lease:
        assert time.monotonic() - began >= 0.5
        assert lease.token == 2
        process.resume()
        assert holder.stdin is not None
        holder.stdin.write("check\n")
        holder.stdin.flush()
        assert f"held by process {os.getpid()} on" in line(holder)
        lease.check()


def test_a_silent_holder_elsewhere_is_displaced_after_its_own_time_to_live(store: Store) -> None:
    silent(store, ELSEWHERE, ttl_s=0.4)
    began = time.monotonic()
    with Lease.acquire(store, Holder.current(), ttl_s=60) as lease:
        assert time.monotonic() - began >= 0.4
        assert lease.token == 2


def test_of_several_that_wait_for_a_silent_holder_one_gets_the_run(store: Store) -> None:
    silent(store, ELSEWHERE, ttl_s=0.3)

    def acquire(_: int) -> Lease | str:
        try:
            return Lease.acquire(store, Holder.current(), ttl_s=60, heartbeat_s=0.1)
        except LeaseHeld as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(acquire, range(3)))
    (lease,) = (outcome for outcome in outcomes if isinstance(outcome, Lease))
    lease.release()
    assert sum(isinstance(outcome, str) and "is held by process" in outcome for outcome in outcomes) == 2


def test_a_displaced_driver_and_its_workers_write_nothing_more(store: Store) -> None:
    with Lease.acquire(store, Holder.current(), ttl_s=60, heartbeat_s=0.05) as lease:
        fence = pickle.loads(pickle.dumps(Fence(store, lease.token, every_s=0)))
        stage = Stage(store, "rollouts", Rollout, fence=fence)
        assert stage.commit(0, [rollout("a1")]) == 1
        silent(store, ELSEWHERE, ttl_s=60, token=2)
        writes: list[Callable[[], object]] = [
            lambda: stage.commit(0, [rollout("b2")]),
            lambda: stage.seal(0, None, {}),
            lambda: stage.put_shard(1, [rollout("c3")]),
            lambda: stage.finish(0, {}),
        ]
        for write in writes:
            with pytest.raises(LeaseHeld, match=r"another driver \(token 2\)"):
                write()
        with pytest.raises(LeaseHeld, match=r"\(token 1\) was silent for too long: .* held by process 4242 on node-7"):
            lease.check()
        assert lease.lost
    assert len(store.list("stage=")) == 1
    assert not LeaseFile.model_validate_json(store.read("lease/00000001.json")).released


def test_the_heartbeat_marks_a_lost_lease(local: Store) -> None:
    with Lease.acquire(local, Holder.current(), heartbeat_s=0.02) as lease:
        assert not lease.lost
        silent(local, ELSEWHERE, ttl_s=60, token=2)
        deadline = time.monotonic() + 5
        while not lease.lost:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_heartbeat_outlives_a_store_that_fails_for_a_while(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lease.acquire(local, Holder.current(), heartbeat_s=0.02) as lease:
        with monkeypatch.context() as patch:
            patch.setattr("reasonflux.storage.local._write_beside", _fail)
            time.sleep(0.1)
        before = local.read("lease/00000001.json")
        deadline = time.monotonic() + 5
        while local.read("lease/00000001.json") == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        lease.check()


def _fail(*arguments: object) -> None:
    raise OSError("no space left on device")


def test_a_fence_looks_at_most_as_often_as_it_is_told(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("reasonflux.storage.fence.time", SimpleNamespace(monotonic=lambda: now[0]))
    fence = Fence(local, 1, every_s=0.2)
    fence.check()
    silent(local, ELSEWHERE, ttl_s=60, token=2)
    now[0] += 0.15
    fence.check()
    now[0] += 0.1
    with pytest.raises(LeaseHeld):
        fence.check()
    with pytest.raises(LeaseHeld):
        fence.check()


def test_a_process_is_gone_only_when_this_very_place_shows_it() -> None:
    here = Holder.current()
    assert not here.is_gone
    assert here.model_copy(update={"started": here.started + 100}).is_gone, "its pid was given to another process"
    free = max(psutil.pids()) + 10_000
    assert here.model_copy(update={"pid": free}).is_gone
    for unknown in ("", "another boot, container or host"):
        assert not here.model_copy(update={"pid": free, "place": unknown}).is_gone


def test_tokens_only_grow(local: Store) -> None:
    assert highest_token(local) == 0
    for expected in (1, 2, 3):
        with Lease.acquire(local, Holder.current()) as lease:
            assert lease.token == expected
    assert highest_token(local) == 3
