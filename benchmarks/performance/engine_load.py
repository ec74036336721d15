"""What `engine_overhead` asks for: rollouts of the testbed's right plans, as the main job would have them made."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reasonflux.config import EngineSpec, SamplingConfig
from reasonflux.configuring import resolve_model
from reasonflux.distributed.random_model import MEDIUM, write_random_model
from reasonflux.identity import digest, seed_of
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.reasoning.reasoner import roll_out
from reasonflux.records import Attempt, Step, Usage
from reasonflux.testbed.world import family_of, generate_problems


@dataclass(frozen=True, kw_only=True)
class Load:
    """One model and the rollouts of a repeat."""

    rollouts: int
    sampling: Sampling

    @property
    def config(self) -> SamplingConfig:
        """The part of a job's config that rollouts read."""
        return SamplingConfig(reasoner=self.sampling)

    def attempts(self, repeat: int) -> list[Attempt]:
        """Work items of one repeat: problems of its own, each with its family's plan, one plan after the other."""
        problems = generate_problems(self.rollouts, "training", seed=repeat)
        problems.sort(key=lambda problem: problem.family or "")
        made = []
        for problem in problems:
            row_id = digest("overhead", repeat, problem.id)
            steps = tuple(Step(name=name, written=name) for name in family_of(problem).plan)
            made.append(
                Attempt(
                    id=row_id,
                    trajectory_id=digest("plan", problem.family),
                    multiplicity=1,
                    anchor_id=problem.id,
                    problem=problem,
                    steps=steps,
                    index=0,
                    seed=seed_of(row_id),
                )
            )
        return made

    async def requests(self, repeat: int) -> list[Request]:
        """The requests that the reasoner makes of these attempts."""
        seen: list[Request] = []

        async def record(requests: Sequence[Request]) -> list[Completion]:
            seen.extend(requests)
            return [Completion(id=each.id, text="", outcome=Outcome.STOPPED, usage=Usage()) for each in requests]

        await roll_out(self.attempts(repeat), record, PromptSet.load(), self.config)
        return seen


def _one_in(tokens: int, vocabulary: int) -> list[int]:
    """Token ids of which a random model writes one about every `tokens` tokens."""
    return random.Random(0).sample(range(300, vocabulary), vocabulary // tokens)


# The random model writes no end of its own: it stops at any of some tokens, so that its answers are of all lengths.
LOADS = {
    "testbed": Load(rollouts=2048, sampling=Sampling(temperature=0.7, max_tokens=160)),
    "medium": Load(
        rollouts=96, sampling=Sampling(max_tokens=96, extra={"stop_token_ids": _one_in(48, MEDIUM.vocabulary)})
    ),
}


def spec_of(model: str, directory: Path, threads: int) -> EngineSpec:
    """The engine of a load: the testbed's reasoner as `jobs/configs/testbed.yaml` has it, or a random model."""
    source, dtype = resolve_model("testbed:reasoner"), "float32"
    if model == "medium":
        source, dtype = str(write_random_model(directory / model, MEDIUM)), "bfloat16"
    return EngineSpec(
        model=source, device="cpu", dtype=dtype, max_model_len=512, max_num_seqs=128, cpus_per_replica=threads
    )
