"""A training on a described cluster: where its workers go, what each holds in memory, for how long and for how much.

What is held is DeepSpeed's own reckoning (`estimate_zero2_model_states_mem_needs` and `estimate_zero3_…`) of ZeRO's
model states (arXiv 1910.02054, section 3.1). A parameter that is trained in bf16 has 2 bytes, and in float32 a copy
(4), a gradient (4) and two moments (8); ZeRO-2 shares all but the 2 bytes among the workers, ZeRO-3 those too, and
offload moves what is shared to the host's memory. Without ZeRO every worker has 16 bytes a parameter. No torch here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reasonflux.cluster_plan import HOUR_S
from reasonflux.clusters import Cluster, NodeKind
from reasonflux.errors import BadInput
from reasonflux.fitting import GIB, REACHED_FLOPS, Architecture
from reasonflux.planning import Weights
from reasonflux.training.recipe import Lora, TrainingRecipe, Zero

IN_FLOAT32 = 16  # bytes a parameter: copy, gradient, moments
ASSUMPTIONS = (
    f"{REACHED_FLOPS:.0%} of bf16 peak for 6 operations a parameter and token, 2 more for gradient checkpointing and 2 "
    "for a reference model that is asked; what offload and the network cost is not reckoned",
    "adapters weigh nothing; the whole cluster is paid for from start to end",
)


@dataclass(frozen=True, kw_only=True)
class Model:
    """What counts of the base."""

    parameters: float
    largest: int  # parameters of its largest layer, which ZeRO-3 gathers whole
    token_bytes: int  # kept of a token for the way back, with gradient checkpointing: every layer's input, in bf16

    @classmethod
    def of(cls, weights: Weights) -> "Model | None":
        """None where its config.json does not say enough."""
        architecture = Architecture.of(weights.config)
        text = weights.config.get("text_config") or weights.config
        try:
            hidden, widest = int(text["hidden_size"]), max(int(text["vocab_size"]), int(text["intermediate_size"]))
        except (KeyError, TypeError, ValueError):
            return None
        if architecture is None:
            return None
        return cls(
            parameters=weights.loaded / architecture.stored_bytes,
            largest=hidden * widest,
            token_bytes=2 * architecture.layers * hidden,
        )


@dataclass(frozen=True, kw_only=True)
class Held:
    """GiB of weights, gradients, optimizer state and reference model."""

    device: float  # of each worker
    host: float  # of each worker, in its machine's memory
    batch: float  # of each worker besides: layers' inputs of a batch whose rows are all as long as the cutoff

    @classmethod
    def by(cls, recipe: TrainingRecipe, model: Model) -> "Held":
        """What a recipe's workers hold."""
        zero, count = recipe.zero, recipe.workers.count
        half = recipe.precision == "bf16" and zero is not None
        plain = 2 if half else 4  # bytes of a weight that computes
        kept = IN_FLOAT32 if half else IN_FLOAT32 - 4  # of a float32 weight there is no copy
        trained = 0.0 if recipe.lora else model.parameters
        asked = recipe.dpo is not None and not recipe.dpo.stored_reference and recipe.lora is None
        whole = plain * model.parameters * (2 if asked else 1)
        if zero is None:
            device, host = whole + kept * trained, 0.0
        elif zero.stage == 2:
            shared, gradients = kept * trained / count, 2 * half * trained / count  # these in bf16, too
            device = whole + (0.0 if zero.offload else shared + gradients)
            host = shared if zero.offload else 0.0
        else:
            shared = (whole + kept * trained) / count
            device = 4 * model.largest + (0.0 if zero.offload else shared)
            host = shared if zero.offload else 0.0
        tokens = recipe.per_device_batch * recipe.cutoff * (2 if recipe.dpo else 1)
        batch = tokens * model.token_bytes if recipe.gradient_checkpointing else 0.0
        if recipe.workers.device == "cpu":  # nothing is offloaded there, and device and host are one
            device, host = 0.0, device + host
        return cls(device=device / GIB, host=host / GIB, batch=batch / GIB)


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """A training on a cluster. Memory, hours and dollars are None where the model or the GPU is not known."""

    name: str
    cluster: str
    workers: int
    each: Mapping[str, float]
    nodes: tuple[str, ...]  # kind#number of each worker
    gpu: str
    memory_gib: float  # of the device of one worker; 0 for those without one
    held: Held | None
    tokens: int  # 0 where the data are not there yet
    hours: float | None
    dollars: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return asdict(self) | {"assumptions": list(ASSUMPTIONS)}

    def words(self) -> tuple[str, ...]:
        """Lines for people."""
        lines = [f"on {self.cluster}:", *self.place(), f"tokens: about {self.tokens:,}"]
        if self.hours is None:
            return (*lines, "hours and cost: not estimated, they are for workers on GPUs")
        lines.append(f"hours: about {self.hours:.2f}, start and checkpoints apart")
        if self.dollars:
            lines.append(f"cost: about {self.dollars:,.0f} dollars at the cluster's own prices")
        return (*lines, *(f"assumed: {each}" for each in ASSUMPTIONS))

    def place(self) -> tuple[str, ...]:
        """Where the workers go and what each holds."""
        each = " + ".join(f"{amount:g} {name}" for name, amount in self.each.items() if amount)
        where = ", ".join(f"{count} on {node}" for node, count in Counter(self.nodes).items())
        lines = [f"{self.name}: {self.workers} worker(s), each {each}; {where}"]
        held = self.held
        if held is None:
            return (*lines, f"{self.name}: memory not checked, the base's config.json cannot be read from here")
        host = f"{held.host:.1f} GiB of its machine's memory"
        if not self.memory_gib:
            return (*lines, f"{self.name}: each worker holds {host}")
        left = self.memory_gib - held.device
        lines.append(
            f"{self.name}: each worker holds {held.device:.1f} of {self.memory_gib:g} GiB of its {self.gpu}"
            + (f" and {host}" if held.host else "")
            + f"; {left:.1f} GiB are left for activations"
        )
        if held.batch > left:
            lines.append(
                f"{self.name}: a batch whose rows are all as long as the cutoff keeps {held.batch:.1f} GiB between "
                "its layers; lower per_device_batch and raise accumulation if there are such"
            )
        return tuple(lines)


def plan_training(
    cluster: Cluster, recipe: TrainingRecipe, weights: Weights | None, tokens: int = 0, at: str = ""
) -> TrainingPlan:
    """The plan of a recipe whose base has these weights and whose rows, all epochs, have so many tokens.

    `at`: what stands before its settings, in a larger config. Raises `BadInput` for what cannot fit, and says what
    would.
    """
    model = Model.of(weights) if weights else None
    nodes = _place(cluster, recipe, at)
    kinds = {f"{kind.kind}#{number}": kind for kind in cluster.nodes for number in range(kind.count)}
    gpu = kinds[nodes[0]].gpu if recipe.workers.gpus else None
    held = Held.by(recipe, model) if model else None
    if held and model and not _fits(recipe, model, nodes, kinds):
        raise _too_large(cluster, recipe, model, held, kinds, at)
    hours = None
    if gpu and model and tokens:
        asked = recipe.dpo is not None and not recipe.dpo.stored_reference
        each = 6 + 2 * recipe.gradient_checkpointing + 2 * asked
        operations = recipe.workers.count * min(1.0, recipe.workers.gpus) * gpu.tflops * 1e12 * REACHED_FLOPS
        hours = each * model.parameters * tokens / operations / HOUR_S
    return TrainingPlan(
        name=f"training {recipe.name}",
        cluster=cluster.name,
        workers=recipe.workers.count,
        each={"GPU": recipe.workers.gpus, "CPU": recipe.workers.cpus},
        nodes=nodes,
        gpu=gpu.name if gpu else "",
        memory_gib=_share(recipe, kinds[nodes[0]]),
        held=held,
        tokens=tokens,
        hours=hours,
        dollars=None if hours is None else hours * cluster.dollars_per_hour,
    )


def _place(cluster: Cluster, recipe: TrainingRecipe, at: str) -> tuple[str, ...]:
    """The machine of each worker: as many as one takes, then the next; those without GPUs come last, or first."""
    workers, nodes = recipe.workers, list[str]()
    for kind in sorted(cluster.nodes, key=lambda node: (node.gpus > 0) is not (workers.gpus > 0)):
        most = min([kind.cpus // workers.cpus] + ([kind.gpus // workers.gpus] if workers.gpus else []))
        nodes += [f"{kind.kind}#{number}" for number in range(kind.count) for _ in range(int(most))]
    if len(nodes) < workers.count:
        each = f"{workers.gpus:g} GPU + {workers.cpus:g} CPU" if workers.gpus else f"{workers.cpus:g} CPU"
        none = f"Set {at}workers={{count: 1, gpus: 0, device: cpu}}" if workers.gpus else f"Lower {at}workers.cpus"
        way = f"Set {at}workers.count={len(nodes)}" if nodes else none
        raise BadInput(
            f"training {recipe.name}: {workers.count} worker(s) of {each} do not fit on {cluster.name}, "
            f"{len(nodes)} would",
            f"{way}, or name a larger cluster",
        )
    return tuple(nodes[: workers.count])


def _share(recipe: TrainingRecipe, node: NodeKind) -> float:
    """GiB of its GPU that a worker has; 0 without one."""
    return node.gpu.memory_gib * min(1.0, recipe.workers.gpus) if node.gpu and recipe.workers.gpus else 0.0


def _fits(recipe: TrainingRecipe, model: Model, nodes: tuple[str, ...], kinds: Mapping[str, NodeKind]) -> bool:
    held = Held.by(recipe, model)
    return all(
        held.device <= _share(recipe, kinds[node]) and count * held.host <= kinds[node].memory_gib
        for node, count in Counter(nodes).items()
    )


def _too_large(
    cluster: Cluster, recipe: TrainingRecipe, model: Model, held: Held, kinds: Mapping[str, NodeKind], at: str
) -> BadInput:
    ways = []
    for change, settings in _smaller(recipe).items():
        tried = recipe.model_copy(update=settings)
        try:
            nodes = _place(cluster, tried, at)
        except BadInput:
            continue
        if _fits(tried, model, nodes, kinds):
            ways.append(f"{at}{change}")
    parts = {"each worker's GPU": held.device, "its machine's memory": held.host}
    takes = " and ".join(f"{amount:.1f} GiB of {what}" for what, amount in parts.items() if amount)
    return BadInput(
        f"training {recipe.name} does not fit on {cluster.name}: weights, gradients and optimizer take {takes}",
        f"What would fit: {' or '.join(ways[:2])}" if ways else "Name a cluster with more memory, or a smaller base",
    )


def _smaller(recipe: TrainingRecipe) -> dict[str, dict[str, Any]]:
    """Changes that take less of each worker, the mildest first: as they are written, and as the recipe has them."""
    changes: dict[str, dict[str, Any]] = {}
    if recipe.workers.device == "cuda":
        for stage, offload in ((2, False), (3, False), (2, True), (3, True)):
            written = f"zero={{stage: {stage}, offload: {str(offload).lower()}}}"
            changes[written] = {"zero": Zero.model_validate({"stage": stage, "offload": offload})}
    if recipe.zero:
        for factor in (2, 4, 8):
            count = recipe.workers.count * factor
            changes[f"workers.count={count}"] = {"workers": recipe.workers.model_copy(update={"count": count})}
    return changes | {"lora={rank: 16}": {"lora": Lora()}}
