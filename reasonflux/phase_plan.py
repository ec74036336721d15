"""What the planner of phases proposes for a job on a described cluster; nothing moves engines by it yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasonflux.clusters import Cluster
from reasonflux.phases import Demand, Phase, Shape, Sizes, best_split, in_turn

VERIFIER = "verifier"
VERDICT_S = 0.006  # CPU of one verdict: benchmarks/performance/README.md, answers that take algebra
Work = tuple[str, str, Demand]  # stage, role, and what it has to do


@dataclass(frozen=True, kw_only=True)
class PhasePlan:
    """Sizes for each stage of a job whose stages run one after the other."""

    phases: tuple[Phase, ...]
    split: Sizes  # the sizes that stay and end first; empty where one engine serves both roles
    split_hours: float

    def words(self) -> tuple[str, ...]:
        """Lines for people."""
        lines = ["phases, a proposal (set replicas or autoscaling by it; no engine is moved by itself):"]
        for phase in self.phases:
            sizes = ", ".join(f"{count} of {role}" for role, count in phase.sizes.items())
            lines.append(f"  {phase.stage}: {sizes}, about {phase.hours:.2f} hours")
        if self.split:
            sizes = " and ".join(f"{count} of {role}" for role, count in self.split.items())
            lines.append(f"  the best sizes that stay, {sizes}: {self.split_hours:.2f} hours for the engines' stages")
        return tuple(lines)


def propose(
    cluster: Cluster, bundles: Mapping[str, Sequence[Mapping[str, float]]], work: Sequence[Work], beside: float
) -> PhasePlan:
    """The plan for `work` by engines, of whose replicas `bundles` tell what they take, by role.

    `beside`: CPUs that are taken anyway. Verdicts are among `work`, their role is `verifier`. Raises `BadInput` as
    `sizes` does.
    """
    capacity = {
        "GPU": float(sum(node.count * node.gpus for node in cluster.nodes)),
        "CPU": sum(node.count * node.cpus for node in cluster.nodes) - beside,
    }
    shapes = {role: _shape(cluster, each) for role, each in bundles.items()} | {VERIFIER: Shape(takes={"CPU": 1.0})}
    engines = [each for each in work if each[1] != VERIFIER]
    split, hours = best_split(engines, shapes, capacity) if len({role for _, role, _ in engines}) > 1 else ({}, 0.0)
    return PhasePlan(phases=in_turn(work, shapes, capacity), split=split, split_hours=hours)


def _shape(cluster: Cluster, bundles: Sequence[Mapping[str, float]]) -> Shape:
    """A replica of one bundle lies on one machine, which holds whole replicas only."""
    takes = {name: sum(bundle.get(name, 0.0) for bundle in bundles) for name in ("GPU", "CPU")}
    if len(bundles) > 1:
        return Shape(takes=takes)
    most = 0
    for node in cluster.nodes:
        there = {"GPU": node.gpus, "CPU": node.cpus}
        most += node.count * min(int(there[name] // amount) for name, amount in takes.items() if amount)
    return Shape(takes=takes, most=most)
