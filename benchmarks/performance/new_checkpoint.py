"""How long an engine takes to serve another checkpoint: swapped in place, or deleted and deployed anew.

Both ways take turns in one run, between two sets of random weights of one architecture. A time begins when the new
checkpoint's digest is known, and ends with the first completion that carries it.

    python -m benchmarks.performance.new_checkpoint --repeats 5
    python -m benchmarks.performance.new_checkpoint --canary

The second measures what the canary sees: the engine against transformers on the same weights, and on weights that an
engine whose swap did nothing would be compared with, each number of which differs by a given share.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

os.environ.update(RAY_worker_niceness="0")  # read when Ray is imported

from reasonflux.checkpoints import checkpoint_digest
from reasonflux.config import EngineSpec
from reasonflux.configuring import resolve_model
from reasonflux.distributed.canary import (
    canary_prompts,
    difference,
    engine_logprobs,
    reference_logprobs,
    reference_model,
)
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.engines import deploy, undeploy
from reasonflux.distributed.local_engine import LocalEngine
from reasonflux.distributed.random_model import MEDIUM, TINY, Shape, write_random_model
from reasonflux.protocols import Outcome, Request, Sampling
from reasonflux.records import Message

SHAPES = {"tiny": TINY, "medium": MEDIUM}
APPLICATION = "new-checkpoint"
ROWS = 64
CHANGES = (0.0, 0.001, 0.01, 0.1)  # standard deviation of a change to each weight, as a share of it

Change = Callable[[EngineSpec, str], None]


def swap(spec: EngineSpec, digest: str) -> None:
    """The application that runs is given the checkpoint."""
    deploy(spec, APPLICATION, checkpoint=digest, rows_per_call=ROWS)


def redeploy(spec: EngineSpec, digest: str) -> None:
    """The application is deleted, and deployed with the checkpoint."""
    undeploy(APPLICATION)
    deploy(spec, APPLICATION, checkpoint=digest, rows_per_call=ROWS)


WAYS: dict[str, Change] = {"swap": swap, "redeploy": redeploy}


def seconds(change: Change, spec: EngineSpec, digest: str) -> float:
    """From the digest to a completion that carries it."""
    started = time.perf_counter()
    change(spec, digest)
    request = Request(
        id=digest,
        messages=(Message(role="user", content="6 times 7?"),),
        sampling=Sampling(max_tokens=1),
        checkpoint=digest,
    )
    (completion,) = asyncio.run(EngineClient(APPLICATION)([request]))
    if completion.outcome not in (Outcome.STOPPED, Outcome.TRUNCATED):
        raise RuntimeError(f"{completion.outcome}: {completion.message}")
    return time.perf_counter() - started


def compare(name: str, shape: Shape, repeats: int) -> None:
    """Measures one size and prints its line."""
    with tempfile.TemporaryDirectory() as directory:
        models = [str(write_random_model(Path(directory) / str(seed), shape, seed=seed)) for seed in (0, 1)]
        digests = [checkpoint_digest(model) for model in models]
        spec = EngineSpec(model=models[0], device="cpu", max_model_len=512, max_num_seqs=64, cpus_per_replica=1)
        deploy(spec, APPLICATION, checkpoint=digests[0], rows_per_call=ROWS)
        spent: dict[str, list[float]] = {way: [] for way in WAYS}
        order = list(WAYS) * repeats
        random.Random(0).shuffle(order)
        for turn, way in enumerate(order, start=1):
            now = turn % 2
            took = seconds(WAYS[way], spec.model_copy(update={"model": models[now]}), digests[now])
            print(f"{name} {turn} {way} {took:.2f} s", flush=True)
            spent[way].append(took)
        undeploy(APPLICATION)
    for way, times in spent.items():
        low, high = min(times), max(times)
        print(f"{name}: {way} median {statistics.median(times):.2f} s ({low:.2f} to {high:.2f}), n = {len(times)}")


async def canary(name: str, model: str, dtype: Literal["float32", "bfloat16"]) -> None:
    """Prints how far an engine is from transformers, on its own weights and on others."""
    import torch

    spec = EngineSpec(model=model, device="cpu", dtype=dtype, max_model_len=512, max_num_seqs=64)
    engine = LocalEngine.start(spec)
    prompts = canary_prompts(len(engine._tokenizer), 512)
    spoken = await engine_logprobs(engine._engine, prompts)
    engine.close()
    for share in CHANGES:
        reference = reference_model(model, dtype)
        torch.manual_seed(0)
        with torch.no_grad():
            for weight in reference.parameters():
                weight.mul_(1 + share * torch.randn_like(weight))
        found = difference(spoken, [reference_logprobs(reference, one.tokens) for one in spoken])
        print(f"{name} {dtype}: weights changed by {share:.1%}: {found:.2g} nats a token", flush=True)


def canaries() -> None:
    with tempfile.TemporaryDirectory() as directory:
        medium = str(write_random_model(Path(directory) / "medium", MEDIUM))
        for name, model in (("testbed", resolve_model("testbed:navigator")), ("medium", medium)):
            for dtype in ("float32", "bfloat16"):
                asyncio.run(canary(name, model, dtype))


def main() -> None:
    import ray

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--repeats", type=int, default=5, help="of each way")
    parser.add_argument("--canary", action="store_true", help="measure what the canary sees")
    options = parser.parse_args()
    if options.canary:
        canaries()
        return
    ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False)
    for name in options.models:
        compare(name, SHAPES[name], options.repeats)


if __name__ == "__main__":
    main()
