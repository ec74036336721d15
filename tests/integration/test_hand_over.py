"""Accelerators change hands between serving and training: what is left is waited for, and named when it stays."""

import re
import subprocess
import sys
import time
from typing import Any

import pytest

from reasonflux.distributed.engines import undeploy
from reasonflux.distributed.hand_over import holders, wait_until_free
from reasonflux.errors import Deadline

pytestmark = pytest.mark.slow

RESOURCE = "accelerator"  # stands for GPUs; the session's Ray has two
BUNDLE = {"CPU": 0.1, RESOURCE: 1}

OTHER_DRIVER = """
import ray, sys
ray.init(address=sys.argv[1], namespace="other", log_to_driver=False)

@ray.remote(num_cpus=0, resources={"accelerator": 1}, lifetime="detached")
class Engine:
    def ready(self):
        return True

for name in ("day-navigator", "night-navigator"):
    ray.get(Engine.options(name=name).remote().ready.remote())
"""


def make_actor(**options: Any) -> Any:
    import ray

    class Leaked:
        def ready(self) -> bool:
            return True

    actor = ray.remote(Leaked).options(num_cpus=0, **options).remote()
    ray.get(actor.ready.remote())
    return actor


def test_an_actor_that_stays_is_named_with_class_name_node_and_process(ray_cluster: str) -> None:
    import ray

    wait_until_free(RESOURCE, run="night", amount=2, deadline_s=20)
    actor = make_actor(name="trainer", resources={RESOURCE: 1})
    (holder,) = holders(RESOURCE)
    with pytest.raises(Deadline) as caught:
        wait_until_free(RESOURCE, run="night", deadline_s=2)  # until the node has told what it has left
    told = str(caught.value)
    assert re.search(r"actor \S*Leaked trainer \(\w+\) has 1 on node [\d.]+, pid \d+", told), told
    assert f"pid {holder.pid}" in told
    assert "1 free" in told
    started = time.monotonic()
    ray.kill(actor)
    wait_until_free(RESOURCE, run="night", amount=2, deadline_s=20)
    assert time.monotonic() - started < 20


def test_a_placement_group_as_trainers_make_it_is_named_and_so_is_what_runs_inside(ray_cluster: str) -> None:
    from ray.util.placement_group import placement_group, remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    group = placement_group([BUNDLE, BUNDLE], name="workers")
    assert group.wait(20)
    make_inside = PlacementGroupSchedulingStrategy(placement_group=group)
    worker = make_actor(resources={RESOURCE: 1}, scheduling_strategy=make_inside)
    with pytest.raises(Deadline) as caught:
        wait_until_free(RESOURCE, run="night", deadline_s=0.3)
    assert re.search(r"actor \S*Leaked \(\w+\) has 1 on", str(caught.value))
    assert re.search(r"placement group workers \(\w+\) has 2 on node [\d.]+", str(caught.value))
    remove_placement_group(group)
    wait_until_free(RESOURCE, run="night", amount=2, deadline_s=20)
    assert list(holders(RESOURCE)) == []
    del worker


def test_an_application_that_is_deleted_leaves_nothing(ray_cluster: str) -> None:
    from ray import serve

    class Engine:
        pass

    holding = serve.deployment(Engine).options(ray_actor_options={"num_cpus": 0, "resources": {RESOURCE: 2}})
    serve.start(proxy_location="Disabled")
    serve.run(holding.bind(), name="night-navigator-1", route_prefix=None)
    assert "night-navigator-1" in str(next(iter(holders(RESOURCE))))
    undeploy("night-navigator-1")
    wait_until_free(RESOURCE, run="night", amount=2, deadline_s=20)
    assert list(holders(RESOURCE)) == []


def test_other_runs_are_not_waited_for_and_what_a_killed_driver_of_this_one_left_is(ray_cluster: str) -> None:
    import ray

    subprocess.run([sys.executable, "-c", OTHER_DRIVER, ray_cluster], check=True, timeout=120)
    try:
        with pytest.raises(Deadline, match="night-navigator") as caught:
            wait_until_free(RESOURCE, run="night", deadline_s=0.3)
        assert "day-navigator" not in str(caught.value)
        ray.kill(ray.get_actor("night-navigator", namespace="other"))
        wait_until_free(RESOURCE, run="night", amount=1, deadline_s=20)
        with pytest.raises(Deadline, match=r"1 free, 2 wanted.*day-navigator"):
            wait_until_free(RESOURCE, run="night", amount=2, deadline_s=0.3)
    finally:
        ray.kill(ray.get_actor("day-navigator", namespace="other"))
    wait_until_free(RESOURCE, run="night", amount=2, deadline_s=20)
