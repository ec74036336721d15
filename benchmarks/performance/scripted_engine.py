r"""An engine that answers from a script, behind the real deployment, and sums for it to solve.

    generate_pairs(config, deploy=scripted(Script()))

Serve, the client, retries, stages and storage are the real ones; only the model is not. Whatever a request gets is
drawn from its id, so that two runs get the same answers. The model's part of the config is an empty checkpoint.
"""

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from reasonflux.config import (
    EngineSpec,
    FieldNames,
    Model,
    OutputConfig,
    PairsJob,
    ProblemSource,
    SamplingConfig,
    SimilarConfig,
    StreamConfig,
    VerifierConfig,
)
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.run_engines import Deploy
from reasonflux.identity import digest
from reasonflux.library.load import TESTBED, load_library
from reasonflux.protocols import Completion, Outcome, Request
from reasonflux.records import Usage

ROOT = Path(__file__).parents[2]
ASKS_FOR_ANSWER = r"\boxed{}"  # stands in the reasoner's prompts, and not in the navigator's
SUM = re.compile(r"(\d+) \+ (\d+)")
UNREADABLE = "I would rather not plan this."
NAMES = ("Ann", "Ben", "Carla", "Dan", "Eva")
THINGS = ("apples", "books", "coats", "dishes", "eggs", "forks", "grapes", "hats")

GATHER_S = 0.2  # completions that end within it travel together


class Script(Model):
    """What the engine answers. Shares are of requests, between 0 and 1."""

    library: str = TESTBED  # whose templates the plans name
    right: float | None = None  # chance that a rollout is right; None: each plan has a chance of its own, uniform
    right_of: dict[str, float] = Field(default_factory=dict)  # the same of one checkpoint, by digest
    unreadable: float = 0.0  # share of plans in which no step can be read
    outcomes: dict[Outcome, float] = Field(default_factory=dict)  # shares that end so, however often they are asked
    stumbles: float = 0.0  # share that fail with `engine_error` when a replica first meets them, and not after
    latency: Callable[[Completion], float] | None = None  # seconds from a call to a completion of it; None: at once
    reply: Callable[[str], str] | None = None  # from a prompt to what is answered; None: plans and sums


class ScriptedEngine:
    """The Serve replica: the face of `EngineServer`, without a model."""

    def __init__(self, script: Script, checkpoint: str) -> None:
        self._script, self._checkpoint = script, checkpoint
        self._templates = [template.name for template in load_library(script.library).templates]
        self._stumbled: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._calls = 0

    async def generate(self, requests: Sequence[Request]) -> AsyncIterator[list[Completion]]:
        """Every request's completion: in one batch, or in batches as their latencies run out."""
        self._calls += 1
        started = time.monotonic()
        completions = [self._complete(request) for request in requests]
        latency = self._script.latency
        if latency is None:
            yield completions
            return
        timed = sorted(((latency(completion), completion) for completion in completions), key=lambda pair: pair[0])
        while timed:
            until = timed[0][0] + GATHER_S
            batch = [(seconds, completion) for seconds, completion in timed if seconds <= until]
            timed = timed[len(batch) :]
            await asyncio.sleep(max(0.0, started + batch[-1][0] - time.monotonic()))
            yield [replace(each, usage=replace(each.usage, latency_s=seconds)) for seconds, each in batch]

    async def stats(self) -> dict[str, int]:
        """Counts since this replica started, named as `EngineServer` names them."""
        return {"calls": self._calls, **self._counts}

    async def serves(self) -> str:
        """Digest of the checkpoint that it was deployed for."""
        return self._checkpoint

    async def check_health(self) -> None:
        """Nothing in here can die by itself."""

    def _complete(self, request: Request) -> Completion:
        outcome = self._outcome(request)
        prompt = "\n".join(message.content for message in request.messages)
        text = self._text(request.id, prompt) if outcome in (Outcome.STOPPED, Outcome.TRUNCATED) else ""
        if outcome is Outcome.TRUNCATED:
            text = text[: len(text) // 3]
        usage = Usage(prompt_tokens=len(prompt.split()), output_tokens=len(text.split()), checkpoint=self._checkpoint)
        self._counts.update(
            requests=1,
            prompt_tokens=usage.prompt_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=0,
            **{outcome.value: 1},
        )
        return Completion(id=request.id, text=text, outcome=outcome, usage=usage, message="" if text else "scripted")

    def _outcome(self, request: Request) -> Outcome:
        if request.checkpoint not in (None, self._checkpoint):
            return Outcome.WRONG_CHECKPOINT
        if request.id not in self._stumbled and share(request.id, "stumble") < self._script.stumbles:
            self._stumbled.add(request.id)
            return Outcome.ENGINE_ERROR
        return outcome_of(request.id, self._script.outcomes)

    def _text(self, request_id: str, prompt: str) -> str:
        if self._script.reply is not None:
            return self._script.reply(prompt)
        if ASKS_FOR_ANSWER in prompt:
            return self._answer(request_id, prompt)
        if share(request_id, "unreadable") < self._script.unreadable:
            return UNREADABLE
        steps = 1 + int(3 * share(request_id, "steps"))
        names = [self._templates[int(len(self._templates) * share(request_id, step))] for step in range(steps)]
        return "\n".join(f"{number}. {name}" for number, name in enumerate(names, start=1))

    def _answer(self, request_id: str, prompt: str) -> str:
        plan = prompt.partition("Plan:")[2].partition("Problem:")[0]
        chance = self._script.right_of.get(self._checkpoint, self._script.right)
        chance = share(plan, "chance") if chance is None else chance
        asked = SUM.findall(prompt)
        first, second = map(int, asked[-1]) if asked else (int(20 * share(request_id, "first")), 0)
        error = 0 if share(request_id, "right") < chance else 1 + int(9 * share(request_id, "error"))
        return rf"The steps give {first} and {second}, and so the answer is \boxed{{{first + second + error}}}."


def share(key: str, what: str | int) -> float:
    """A number in [0, 1) that follows from a key and what it is for."""
    return int(digest("scripted", what, key)[:12], 16) / 16.0**12


def outcome_of(request_id: str, outcomes: Mapping[Outcome, float]) -> Outcome:
    """How a script ends a request: one of its outcomes with their shares, else it is answered in full."""
    drawn = share(request_id, "outcome")
    for outcome, part in outcomes.items():
        if drawn < part:
            return outcome
        drawn -= part
    return Outcome.STOPPED


def scripted(script: Script | None = None) -> Deploy:
    """A `deploy` for `generate_pairs` that starts scripted engines under the names that real ones would have."""
    return partial(deploy_all, build=partial(scripted_application, script or Script()))


def scripted_application(
    script: Script, options: dict[str, Any], spec: EngineSpec, checkpoint: str, engine: type = ScriptedEngine
) -> Any:
    """The Serve application of one scripted engine, with the options that the real one would have."""
    from ray import serve

    actor = options["ray_actor_options"]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))  # a replica imports this very file
    environment = {**actor["runtime_env"]["env_vars"], "PYTHONPATH": path}
    options = {**options, "ray_actor_options": {**actor, "runtime_env": {"env_vars": environment}}}
    return serve.deployment(engine, name="engine").options(**options).bind(script, checkpoint)


def write_empty_checkpoint(directory: Path) -> Path:
    """A checkpoint without a single weight, which passes every check that needs no engine; returns `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (directory / "config.json").write_text("{}")
    (directory / "tokenizer.json").write_text("{}")
    (directory / "chat_template.jinja").write_text("{{ messages }}")
    return directory


def write_sums(path: Path, count: int, families: int = 20) -> Path:
    """A JSONL file of `count` different sums (problem, answer, family), written line by line; returns `path`."""
    with path.open("w", encoding="utf-8") as file:
        for index in range(count):
            name, thing = NAMES[index % len(NAMES)], THINGS[index // len(NAMES) % len(THINGS)]
            first, second = index + 2, int(90 * share(str(index), "second")) + 3
            text = f"{name} has {first} {thing} and is given {second} more. How many {thing} is {first} + {second}?"
            row = {"problem": text, "answer": str(first + second), "family": f"family {index % families}"}
            file.write(json.dumps(row) + "\n")
    return path


def sums_job(name: str, directory: Path, problems: int, stream: StreamConfig, **engine: Any) -> PairsJob:
    """The main job on sums, one model for both roles: two plans a problem, each tried once on it and on a similar one.

    `engine`: further fields of its `EngineSpec`.
    """
    source = write_sums(directory / "sums.jsonl", problems)
    model = str(write_empty_checkpoint(directory / "model"))
    return PairsJob(
        name=name,
        problems=ProblemSource(source="jsonl", path=str(source), fields=FieldNames(family="family")),
        similar=SimilarConfig(provider="family", count=2),
        navigator=EngineSpec(model=model, device="cpu", **engine),
        reasoner="navigator",
        sampling=SamplingConfig(trajectories=2, rollouts_own=1, rollouts_similar=1),
        verifier=VerifierConfig(processes=1),
        stream=stream,
        output=OutputConfig(root=str(directory / "runs")),
    )
