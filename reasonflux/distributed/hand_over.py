"""Between serving and training the accelerators change hands: nothing of the run may hold one when the other starts.

Where both have pools of their own (`EngineSpec.pool`), nothing changes hands and nothing is waited for.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reasonflux.errors import Deadline

GPU = "GPU"  # Ray's own name of the resource
POLL_S = 0.2
DEADLINE_S = 120.0
NAMED = 5  # holders that an error names
_LIVING = ("ALIVE", "RESTARTING", "PENDING_CREATION")


@dataclass(frozen=True, kw_only=True)
class Holder:
    """An actor or a placement group that has some of a resource, or will take it as soon as it can."""

    kind: str  # actor or placement group
    id: str
    name: str  # of an actor its class, too
    amount: float
    job: str  # Ray's id of the driver that made it
    node: str  # address or id; empty while it has no place
    pid: int = 0  # actors that run

    def __str__(self) -> str:
        where = f" on node {self.node}" if self.node else " without a place"
        process = f", pid {self.pid}" if self.pid else ""
        return f"{self.kind} {self.name or 'without a name'} ({self.id[:16]}) has {self.amount:g}{where}{process}"


def wait_until_free(resource: str, *, run: str, amount: float = 0.0, deadline_s: float = DEADLINE_S) -> None:
    """Returns once nothing of the run holds `resource` and `amount` of it is free.

    Of the run is what this driver's job made, and what has the run's name in its own: engines outlive their driver.
    Raises `Deadline` that names what still holds the resource.
    """
    import ray

    end = time.monotonic() + deadline_s
    while True:
        found = list(holders(resource))
        mine = [holder for holder in found if _of(holder, run)]
        free = float(ray.available_resources().get(resource, 0.0))
        if not mine and free >= amount:
            return
        if time.monotonic() > end:
            raise Deadline(*_told(resource, run, amount, deadline_s, mine or found, free))
        time.sleep(POLL_S)


def holders(resource: str) -> Iterator[Holder]:
    """Every actor and placement group of the cluster that has, or waits for, some of `resource`."""
    import ray
    from ray._private.state import state  # the public listing needs a dashboard, which a local Ray has not
    from ray.core.generated.gcs_pb2 import ActorTableData, PlacementGroupTableData

    addresses = {node["NodeID"]: str(node["NodeManagerAddress"]) for node in ray.nodes()}
    accessor = state._connect_and_get_accessor()
    for living in _LIVING:
        for data in accessor.get_actor_table(None, living):
            actor = ActorTableData.FromString(data)
            if amount := _amount(actor.required_resources, resource):
                node = actor.address.node_id.hex()
                yield Holder(
                    kind="actor",
                    id=actor.actor_id.hex(),
                    name=f"{actor.class_name} {actor.name}".strip(),
                    amount=amount,
                    job=actor.job_id.hex(),
                    node=addresses.get(node, node),
                    pid=actor.pid,
                )
    for data in accessor.get_placement_group_table():
        group = PlacementGroupTableData.FromString(data)
        if group.state == PlacementGroupTableData.REMOVED:
            continue
        if amount := sum(_amount(bundle.unit_resources, resource) for bundle in group.bundles):
            nodes = sorted({bundle.node_id.hex() for bundle in group.bundles} - {""})
            yield Holder(
                kind="placement group",
                id=group.placement_group_id.hex(),
                name=group.name,
                amount=amount,
                job=group.creator_job_id.hex(),
                node=", ".join(addresses.get(node, node) for node in nodes),
            )


def _of(holder: Holder, run: str) -> bool:
    import ray

    return holder.job == ray.get_runtime_context().get_job_id() or f"{run}-" in holder.name


def _amount(resources: Any, name: str) -> float:
    """Of a resource, inside a placement group or not."""
    return sum(value for key, value in resources.items() if key == name or key.startswith(f"{name}_group_"))


def _told(
    resource: str, run: str, amount: float, deadline_s: float, found: list[Holder], free: float
) -> tuple[str, str]:
    some = "; ".join(map(str, found[:NAMED])) + (f"; and {len(found) - NAMED} more" if len(found) > NAMED else "")
    wanted = f", {amount:g} wanted" if amount else ""
    what = f"{resource} is not free for run {run} after {deadline_s:g} s ({free:g} free{wanted}): {some or 'tasks'}"
    return what, "End what is named, or raise the deadline"
