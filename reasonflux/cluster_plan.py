"""A job on a described cluster: where its replicas go, how they lie in memory, how long it takes and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from reasonflux.clusters import Cluster, NodeKind
from reasonflux.config import EngineSpec
from reasonflux.errors import BadInput
from reasonflux.fitting import ASSUMPTIONS, CPU_PROCESS_GIB, GIB, Architecture, EngineFit, check_fit, rates
from reasonflux.phase_plan import VERDICT_S, VERIFIER, PhasePlan, Work, propose
from reasonflux.phases import Demand

if TYPE_CHECKING:
    from reasonflux.planning import StagePlan, Weights

HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One engine that a job starts."""

    role: str
    spec: EngineSpec
    bundles: tuple[Mapping[str, float], ...]  # of one replica; all on one node unless there are several
    weights: "Weights | None"

    @property
    def gpus(self) -> int:
        return self.spec.tensor_parallel * self.spec.pipeline_parallel if self.spec.device == "gpu" else 0

    @property
    def architecture(self) -> Architecture | None:
        return Architecture.of(self.weights.config) if self.weights else None


@dataclass
class _Node:
    """What is left of one machine."""

    kind: NodeKind
    cpus: float
    gpus: float

    def take(self, bundle: Mapping[str, float]) -> bool:
        """Places a bundle; False where it does not fit."""
        cpus, gpus = bundle.get("CPU", 0.0), bundle.get("GPU", 0.0)
        if cpus > self.cpus or gpus > self.gpus:
            return False
        self.cpus, self.gpus = self.cpus - cpus, self.gpus - gpus
        return True


@dataclass(frozen=True, kw_only=True)
class EnginePlace:
    """One engine on the cluster."""

    role: str
    replicas: int
    bundles: tuple[dict[str, float], ...]
    nodes: tuple[str, ...]  # kind#number of each replica's first bundle
    gpu: EngineFit | None  # None: a CPU engine, or a model whose config.json is out of reach
    known: bool  # whether the memory was reckoned

    def words(self) -> tuple[str, ...]:
        """Lines for people."""
        each = " + ".join(f"{amount:g} {name}" for name, amount in self.bundles[0].items() if amount)
        group = f"{len(self.bundles)} bundles of {each}, packed" if len(self.bundles) > 1 else f"{each} on one node"
        lines = [f"{self.role}: {self.replicas} replica(s), each {group}; on {', '.join(dict.fromkeys(self.nodes))}"]
        if self.gpu is not None:
            lines.append(f"{self.role}: {self.gpu.words()}")
        elif not self.known:
            lines.append(f"{self.role}: memory not checked, the model's config.json cannot be read from here")
        return tuple(lines)


@dataclass(frozen=True, kw_only=True)
class ClusterPlan:
    """A job on a cluster. Hours and dollars are None where no GPU works or the model is not known."""

    cluster: str
    engines: tuple[EnginePlace, ...]
    tokens: int = 0  # prompts and answers, at most; 0 where nobody knows
    hours: dict[str, float] | None = field(default=None)  # by stage
    dollars: float | None = None
    phases: PhasePlan | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values, for machines."""
        return asdict(self) | {"assumptions": list(ASSUMPTIONS)}

    def words(self) -> tuple[str, ...]:
        """Lines for people."""
        lines = [f"on {self.cluster}:", *(line for engine in self.engines for line in engine.words())]
        if not self.tokens:
            return (*lines, "tokens, hours and cost: not estimated")
        lines.append(f"tokens: about {self.tokens:,} at most")
        if self.hours is None:
            return (*lines, "hours and cost: not estimated, they are for GPU engines whose config.json can be read")
        stages = ", ".join(f"{name} {hours:.2f}" for name, hours in self.hours.items())
        lines.append(f"hours: about {sum(self.hours.values()):.2f} ({stages}), engines' start apart")
        if self.dollars:
            lines.append(f"cost: about {self.dollars:,.0f} dollars at the cluster's own prices")
        lines += self.phases.words() if self.phases else ()
        return (*lines, *(f"assumed: {each}" for each in ASSUMPTIONS))


def one_after_the_other(cluster: Cluster, plans: Mapping[str, ClusterPlan]) -> ClusterPlan:
    """Plans by turn as one: an engine of several turns is told once, with what it holds in the first of them.

    Hours are None where those of one turn are.
    """
    engines: dict[str, EnginePlace] = {}
    for plan in plans.values():
        engines = {engine.role: engine for engine in plan.engines} | engines
    hours = {turn: sum(plan.hours.values()) for turn, plan in plans.items() if plan.hours is not None}
    whole = bool(plans) and len(hours) == len(plans)
    return ClusterPlan(
        cluster=cluster.name,
        engines=tuple(engines.values()),
        tokens=sum(plan.tokens for plan in plans.values()),
        hours=hours if whole else None,
        dollars=sum(hours.values()) * cluster.dollars_per_hour if whole else None,
    )


def plan_on(cluster: Cluster, engines: Sequence[Wanted], stages: "Sequence[StagePlan]", beside: float) -> ClusterPlan:
    """The plan of a job whose engines run side by side, with `beside` CPUs for all that is no engine.

    Raises `BadInput` for what cannot fit, and says what would.
    """
    fits = {engine.role: _fit(cluster, engine) for engine in engines}
    places = _place(cluster, engines, beside)
    placed = tuple(
        EnginePlace(
            role=engine.role,
            replicas=len(places[engine.role]),
            bundles=tuple(dict(bundle) for bundle in engine.bundles),
            nodes=tuple(places[engine.role]),
            gpu=fits[engine.role],
            known=engine.spec.device == "cpu" or fits[engine.role] is not None,
        )
        for engine in engines
    )
    tokens = sum(stage.prompt_tokens + stage.output_tokens for stage in stages)
    work = _demands(cluster, {engine.role: engine for engine in engines}, {each.role: each for each in placed}, stages)
    hours = None if work is None else {stage: demand.end_s(len(places[role])) / HOUR_S for stage, role, demand in work}
    dollars = None if hours is None else sum(hours.values()) * cluster.dollars_per_hour
    phases = _phases(cluster, engines, work, stages, beside)
    return ClusterPlan(cluster=cluster.name, engines=placed, tokens=tokens, hours=hours, dollars=dollars, phases=phases)


def _fit(cluster: Cluster, engine: Wanted) -> EngineFit | None:
    if not engine.gpus:
        _check_cpu_memory(cluster, engine)
        return None
    node = _gpu_node(cluster, engine)
    model = engine.architecture
    if model is None or node.gpu is None or engine.weights is None:
        return None
    return check_fit(engine.role, engine.spec, model, engine.weights.loaded, node.gpu, node.gpus)


def _gpu_node(cluster: Cluster, engine: Wanted) -> NodeKind:
    """The kind of machine that takes a replica's largest bundle."""
    wide = max(bundle.get("GPU", 0.0) for bundle in engine.bundles)
    kinds = [node for node in cluster.nodes if node.gpu is not None]
    for node in kinds:
        if node.gpus >= wide:
            return node
    most = max((node.gpus for node in kinds), default=0)
    what = f"{engine.role}: tensor_parallel {engine.spec.tensor_parallel} asks for {wide:g} GPUs of one machine"
    if not most:
        raise BadInput(f"{what}; {cluster.name} has no GPU", f"Set {engine.role}.device=cpu, or name another cluster")
    raise BadInput(
        f"{what}; the largest of {cluster.name} has {most}",
        f"Set {engine.role}.tensor_parallel={most}, with pipeline_parallel for more GPUs",
    )


def _check_cpu_memory(cluster: Cluster, engine: Wanted) -> None:
    loaded = engine.weights.loaded / GIB if engine.weights else 0.0
    needed = loaded + engine.spec.kv_cache_gib + CPU_PROCESS_GIB
    most = max(node.memory_gib for node in cluster.nodes)
    if needed > most:
        raise BadInput(
            f"{engine.role}: a replica takes {needed:.1f} GiB of memory, the largest machine of {cluster.name} has "
            f"{most:g}",
            f"Lower {engine.role}.kv_cache_gib, or name a cluster with larger machines",
        )


def _place(cluster: Cluster, engines: Sequence[Wanted], beside: float) -> dict[str, list[str]]:
    """First fit, GPU engines on GPU machines: least numbers of all engines first, then more in turn, up to the most."""
    nodes = {
        f"{kind.kind}#{number}": _Node(kind, kind.cpus, kind.gpus)
        for kind in cluster.nodes
        for number in range(kind.count)
    }
    _set_aside(cluster, nodes, beside)
    placed: dict[str, list[str]] = {engine.role: [] for engine in engines}
    for engine in engines:
        least = max(1, engine.spec.autoscaling.min_replicas) if engine.spec.autoscaling else engine.spec.replicas
        while len(placed[engine.role]) < least:
            if not (node := _one(nodes, engine)):
                raise _too_many(cluster, engine, placed, least)
            placed[engine.role].append(node)
    growing = [engine for engine in engines if engine.spec.autoscaling]
    while growing:
        growing = [engine for engine in growing if _grow(nodes, engine, placed[engine.role])]
    return placed


def _set_aside(cluster: Cluster, nodes: Mapping[str, _Node], cpus: float) -> None:
    """CPUs of clients and the verifier, on machines without a GPU first."""
    left = cpus
    for node in sorted(nodes.values(), key=lambda each: each.gpus > 0):
        taken = min(left, node.cpus)
        node.cpus, left = node.cpus - taken, left - taken
    if left > 0:
        raise BadInput(
            f"the job's clients and verifier take {cpus:g} CPUs, {cluster.name} has {cpus - left:g}",
            "Lower verifier.processes or stream.clients",
        )


def _one(nodes: Mapping[str, _Node], engine: Wanted) -> str:
    """Places one replica whole, or nothing; the node of its first bundle."""
    taken: list[tuple[str, Mapping[str, float]]] = []
    order = sorted(nodes, key=lambda name: (nodes[name].kind.gpus > 0) is not (engine.gpus > 0))
    for bundle in engine.bundles:
        name = next((name for name in order if nodes[name].take(bundle)), "")
        if not name:
            for where, given in taken:
                nodes[where].cpus += given.get("CPU", 0.0)
                nodes[where].gpus += given.get("GPU", 0.0)
            return ""
        taken.append((name, bundle))
    return taken[0][0]


def _grow(nodes: Mapping[str, _Node], engine: Wanted, placed: list[str]) -> bool:
    scale = engine.spec.autoscaling
    if scale is None or len(placed) >= scale.max_replicas or not (node := _one(nodes, engine)):
        return False
    placed.append(node)
    return True


def _too_many(cluster: Cluster, engine: Wanted, placed: Mapping[str, list[str]], least: int) -> BadInput:
    there = {role: len(nodes) for role, nodes in placed.items()}
    each = f"{engine.gpus} GPU(s)" if engine.gpus else f"{engine.spec.cpus_per_replica:g} CPU(s)"
    setting = "autoscaling.min_replicas" if engine.spec.autoscaling else "replicas"
    others = "".join(f", beside {count} of {role}" for role, count in there.items() if role != engine.role and count)
    fits = there[engine.role]
    remedy = f"Set {engine.role}.{setting}={fits}" if fits else f"Lower what {engine.role} or the other engine takes"
    return BadInput(
        f"{engine.role}: {least} replica(s) of {each} do not fit on {cluster.name}, {fits} would{others}",
        f"{remedy}, or name a larger cluster",
    )


def _demands(
    cluster: Cluster,
    engines: Mapping[str, Wanted],
    places: Mapping[str, EnginePlace],
    stages: "Sequence[StagePlan]",
) -> list[Work] | None:
    """What engines have to do, stage by stage; None where one of them cannot be reckoned."""
    work: list[Work] = []
    for stage in stages:
        if not stage.engine or not stage.rows:
            continue
        engine, place = engines[stage.engine], places[stage.engine]
        model, gpu = engine.architecture, _gpu_node(cluster, engine).gpu if engine.gpus else None
        if place.gpu is None or model is None or gpu is None:
            return None
        prompt, output = stage.prompt_tokens / stage.rows, stage.output_tokens / stage.rows
        rate = rates(engine.spec, model, place.gpu, gpu, prompt, output)
        request_s = prompt / rate.prefill + output / rate.decode
        work.append((stage.name, stage.engine, Demand(requests=stage.rows, request_s=request_s)))
    return work


def _phases(
    cluster: Cluster, engines: Sequence[Wanted], work: list[Work] | None, stages: "Sequence[StagePlan]", beside: float
) -> PhasePlan | None:
    if not work:
        return None
    verdicts = sum(stage.rows for stage in stages if stage.name == "verdicts")
    if verdicts:
        work = [*work, ("verdicts", VERIFIER, Demand(requests=verdicts, request_s=VERDICT_S))]
    return propose(cluster, {engine.role: engine.bundles for engine in engines}, work, beside)


def cluster_facts(plan: ClusterPlan | None) -> dict[str, Any]:
    """`{"cluster": …}`, or nothing."""
    return {} if plan is None else {"cluster": plan.to_json()}
