"""What fits on a described cluster, and how fast it is: arithmetic on a model's config.json and a GPU's figures.

Memory of a GPU (vLLM's own division): `gpu_memory_utilization` of it holds its share of the weights, what a step works
with, and the KV cache. A token's KV cache takes 2 × layers × KV heads × head dimension × bytes over all GPUs of a
replica. Time is a roofline: a decoding step reads the weights and the KV cache of every sequence once, or is bound by
2 × parameters operations a token, whichever is slower; a prompt is bound by operations.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reasonflux.clusters import Gpu
from reasonflux.config import EngineSpec
from reasonflux.errors import BadInput

GIB = 2**30
WORKSPACE_GIB = 4.0  # of a GPU: activations, CUDA graphs, NCCL
REACHED_BANDWIDTH = 0.6  # of the memory's, while decoding
REACHED_FLOPS = 0.5  # of the GPU's, while reading prompts
CPU_PROCESS_GIB = 3.0  # a CPU engine beside its weights and KV cache
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
ASSUMPTIONS = (
    f"{WORKSPACE_GIB:g} GiB of each GPU for activations, CUDA graphs and NCCL",
    f"{REACHED_BANDWIDTH:.0%} of the memory's bandwidth while decoding, {REACHED_FLOPS:.0%} of bf16 peak for prompts",
    "every answer takes all of its max_tokens, no prompt comes from the prefix cache, no plan is drawn twice",
    "all replicas are busy throughout; a dense model; the whole cluster is paid for from start to end",
)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a config.json says of a decoder's size."""

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    context: int  # tokens
    stored_bytes: int  # of one parameter in the files

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Architecture | None":
        """Read from a parsed config.json; None where it does not say enough."""
        inner = config.get("text_config")
        text = inner if isinstance(inner, Mapping) else config
        try:
            heads = int(text["num_attention_heads"])
            return cls(
                layers=int(text["num_hidden_layers"]),
                heads=heads,
                kv_heads=int(text.get("num_key_value_heads") or heads),
                head_dim=int(text.get("head_dim") or text["hidden_size"] // heads),
                context=int(text["max_position_embeddings"]),
                stored_bytes=BYTES[str(text.get("torch_dtype") or text.get("dtype") or config["torch_dtype"])],
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return None


@dataclass(frozen=True, kw_only=True)
class EngineFit:
    """How one replica lies in its GPUs' memory. Per GPU unless said otherwise; GiB and tokens."""

    gpu: str
    usable_gib: float
    weights_gib: float
    kv_gib: float
    kv_bytes_per_token: float
    kv_tokens: int  # of the replica
    context: int  # tokens of one sequence at most

    @property
    def whole_contexts(self) -> int:
        """Sequences of full length that the KV cache holds at once."""
        return self.kv_tokens // self.context

    def words(self) -> str:
        """One line for people."""
        return (
            f"{self.usable_gib:.1f} GiB usable of each {self.gpu}: {self.weights_gib:.2f} weights + "
            f"{WORKSPACE_GIB:g} workspace + {self.kv_gib:.1f} KV cache = {self.kv_tokens:,} tokens, "
            f"{self.whole_contexts} sequences of {self.context:,}"
        )


def lie_in(spec: EngineSpec, model: Architecture, weights_bytes: int, gpu: Gpu) -> EngineFit:
    """The fit of a replica whose safetensors hold `weights_bytes`; `kv_tokens` is below `context` where it fails."""
    gpus = spec.tensor_parallel * spec.pipeline_parallel
    size = _bytes_of(spec, model)
    weights = weights_bytes * size / model.stored_bytes / gpus
    heads = max(1.0, model.kv_heads / spec.tensor_parallel)  # fewer KV heads than GPUs: each GPU keeps a whole one
    per_token = 2 * model.layers / spec.pipeline_parallel * heads * model.head_dim * size
    usable = gpu.memory_gib * spec.gpu_memory_utilization
    room = max(0.0, usable - weights / GIB - WORKSPACE_GIB)
    return EngineFit(
        gpu=gpu.name,
        usable_gib=usable,
        weights_gib=weights / GIB,
        kv_gib=room,
        kv_bytes_per_token=per_token,
        kv_tokens=int(room * GIB / per_token),
        context=spec.max_model_len or model.context,
    )


def check_fit(role: str, spec: EngineSpec, model: Architecture, weights_bytes: int, gpu: Gpu, node: int) -> EngineFit:
    """The fit of a replica on a node of `node` GPUs; raises `BadInput` that says what would fit."""
    if model.heads % spec.tensor_parallel:
        possible = [count for count in range(1, node + 1) if model.heads % count == 0]
        raise BadInput(
            f"{role}: {model.heads} attention heads cannot be shared by tensor_parallel {spec.tensor_parallel}",
            f"Set {role}.tensor_parallel to one of {', '.join(map(str, possible))}",
        )
    fit = lie_in(spec, model, weights_bytes, gpu)
    if fit.kv_tokens >= fit.context:
        return fit
    gpus = spec.tensor_parallel * spec.pipeline_parallel
    raise BadInput(
        f"{role}: {spec.model} does not fit on {gpus} × {gpu.name}: {fit.weights_gib:.1f} GiB of weights on each "
        f"and room for {fit.kv_tokens:,} tokens, where max_model_len is {fit.context:,}",
        _what_would_fit(role, spec, model, weights_bytes, gpu, node),
    )


def _what_would_fit(role: str, spec: EngineSpec, model: Architecture, weights_bytes: int, gpu: Gpu, node: int) -> str:
    ways = []
    for count in range(spec.tensor_parallel + 1, node + 1):
        wider = spec.model_copy(update={"tensor_parallel": count})
        if model.heads % count == 0 and lie_in(wider, model, weights_bytes, gpu).kv_tokens >= _context(spec, model):
            ways.append(f"{role}.tensor_parallel={count}")
            break
    here = lie_in(spec, model, weights_bytes, gpu)
    if here.kv_tokens:
        ways.append(f"{role}.max_model_len={here.kv_tokens}")
    if not ways:
        lacking = here.weights_gib + WORKSPACE_GIB + _context(spec, model) * here.kv_bytes_per_token / GIB
        ways.append(f"a GPU with {math.ceil(lacking / spec.gpu_memory_utilization)} GiB or more")
    return f"What would fit: {' or '.join(ways)}"


def _context(spec: EngineSpec, model: Architecture) -> int:
    return spec.max_model_len or model.context


def _bytes_of(spec: EngineSpec, model: Architecture) -> int:
    return BYTES.get(spec.dtype, model.stored_bytes)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What one replica does, by the roofline."""

    sequences: int  # decoded at once
    decode: float  # output tokens a second
    prefill: float  # prompt tokens a second


def rates(spec: EngineSpec, model: Architecture, fit: EngineFit, gpu: Gpu, prompt: float, output: float) -> Rates:
    """The rates for requests of `prompt` and `output` tokens each."""
    parameters = fit.weights_gib * GIB / _bytes_of(spec, model)  # of one GPU
    sequences = max(1, min(spec.max_num_seqs, int(fit.kv_tokens / max(1.0, prompt + output))))
    read = fit.weights_gib * GIB + sequences * (prompt + output / 2) * fit.kv_bytes_per_token
    operations = gpu.tflops * 1e12 * REACHED_FLOPS
    step_s = max(read / (gpu.bandwidth_gb_s * 1e9 * REACHED_BANDWIDTH), 2 * parameters * sequences / operations)
    return Rates(sequences=sequences, decode=sequences / step_s, prefill=operations / (2 * parameters))
