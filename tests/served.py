"""A deployment of endpoints that tests share, and load on it."""

import asyncio
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai
import yaml

from reasonflux.checkpoints import checkpoint_digest
from reasonflux.configuring import resolve_model
from reasonflux.distributed.local_head import LocalHead
from reasonflux.testbed.world import generate_problems

ROOT = Path(__file__).parents[1]
KEY = f"key-{secrets.token_hex(16)}"  # made now: no file that Ray copies holds it
DEPLOY_DEADLINE_S = 480.0
SCALE_DEADLINE_S = 240.0
PAUSE_S = 0.05  # of a client between two requests: what is deployed meanwhile needs the two cores too
PLAN = (
    "Plan how to solve the problem: name the thought templates to apply, in order, one numbered line each.\nProblem: "
)
PROBLEMS = generate_problems(8, "gate", seed=5)


@dataclass
class Served:
    """A deployment that runs."""

    head: LocalHead
    directory: Path
    file: dict[str, Any]
    printed: list[str] = field(default_factory=list)  # by the jobs

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.file['http_options']['port']}/{name}"

    def client(self, name: str, key: str = KEY, retries: int = 0) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url(name)}/v1", api_key=key, max_retries=retries, timeout=300)

    def hurried(self, name: str, retries: int = 0) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.url(name)}/v1", api_key=KEY, max_retries=retries, timeout=300)

    def path(self, only: str = "", **changes: dict[str, Any]) -> Path:
        """The file, with the arguments of applications changed, or with one application alone."""
        given = json.loads(json.dumps(self.file))
        given["applications"] = [each for each in given["applications"] if only in ("", each["name"])]
        for application in given["applications"]:
            application["args"] |= changes.get(application["name"], {})
        path = self.directory / f"serve-{len(list(self.directory.iterdir()))}.yaml"
        path.write_text(yaml.safe_dump(given))
        return path

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(ROOT), "RAY_ADDRESS": self.head.address}

    def deploy(self, path: Path) -> str:
        return self._run(sys.executable, "jobs/deploy.py", "--config", path)

    def serve_deploy(self, path: Path) -> str:
        return self._run(Path(sys.executable).parent / "serve", "deploy", path, "--address", self.head.dashboard)

    async def has_replicas(self, name: str, count: int) -> None:
        """Returns when an application has so many replicas that run, and none that starts or stops."""
        states: list[str] = []
        end = time.monotonic() + SCALE_DEADLINE_S
        while states != ["RUNNING"] * count:
            assert time.monotonic() < end, f"{name} has not {count} replicas after {SCALE_DEADLINE_S} s, but {states}"
            await asyncio.sleep(0.5)
            states = await asyncio.to_thread(self._replicas, name)

    def _replicas(self, name: str) -> list[str]:
        headers = {"authorization": f"Bearer {os.environ['RAY_AUTH_TOKEN']}"}
        told = httpx.get(f"{self.head.dashboard}/api/serve/applications/", headers=headers, timeout=30).json()
        (deployment,) = told["applications"][name]["deployments"].values()
        return [replica["state"] for replica in deployment["replicas"]]

    def _run(self, *words: str | Path) -> str:
        started = time.monotonic()
        done = subprocess.run(
            words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=DEPLOY_DEADLINE_S
        )
        print(f"{Path(words[1]).name} took {time.monotonic() - started:.1f} s")
        self.printed += [done.stdout, done.stderr]
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


def serve_file(only: str = "") -> dict[str, Any]:
    """cluster/serve/testbed.yaml on a free port, whole or with one application."""
    given: dict[str, Any] = yaml.safe_load((ROOT / "cluster/serve/testbed.yaml").read_text())
    given["applications"] = [each for each in given["applications"] if only in ("", each["name"])]
    given["http_options"]["port"] = _free_port()
    return given


def _free_port() -> int:
    """One below those that systems give away and beside Ray's workers: nobody takes it before the proxy does."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 50):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def question(text: str) -> Any:
    return [{"role": "user", "content": text}]


def digest(name: str) -> str:
    return checkpoint_digest(resolve_model(f"testbed:{name}"))


@dataclass
class Load:
    """Clients that ask one application all the time and never twice for one answer; what they were answered."""

    before: str  # each question's problem
    answers: list[tuple[str, str, str]] = field(default_factory=list)  # question, digest, text
    lost: list[str] = field(default_factory=list)
    longest: float = 0.0

    async def seen(self, checkpoint: str, answers: int = 10) -> None:
        """Returns when the last answers, so many, are a checkpoint's."""
        async with asyncio.timeout(DEPLOY_DEADLINE_S):
            while [served_by for _, served_by, _ in self.answers[-answers:]] != [checkpoint] * answers:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def check(self, before: str, after: str) -> None:
        """Nothing was lost, and every answer is whole and of the checkpoint that it names."""
        assert self.lost == []
        assert {served_by for _, served_by, _ in self.answers} == {before, after}
        texts = defaultdict(set)
        for text, served_by, said in self.answers:
            texts[text, served_by].add(said)
        assert {len(said) for said in texts.values()} == {1}
        print(f"{len(self.answers)} answers, the longest after {self.longest:.2f} s")

    async def ask(self, client: openai.AsyncOpenAI, name: str, index: int, over: asyncio.Event) -> None:
        while not over.is_set():
            text = self.before + PROBLEMS[index % len(PROBLEMS)].text
            asked: dict[str, Any] = {"model": name, "messages": question(text), "temperature": 0, "max_tokens": 60}
            started = time.monotonic()
            try:
                if index % 2:
                    stream = await client.chat.completions.create(**asked, stream=True)
                    chunks = [chunk async for chunk in stream]
                    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
                    served_by = chunks[-1].system_fingerprint
                else:
                    done = await client.chat.completions.create(**asked)
                    said, served_by = done.choices[0].message.content or "", done.system_fingerprint
                self.answers.append((text, served_by or "", said))
            except (openai.OpenAIError, AssertionError) as error:
                self.lost.append(repr(error))
            self.longest = max(self.longest, time.monotonic() - started)
            await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def load_on(served: Served, name: str, clients: int = 4, before: str = PLAN) -> AsyncIterator[Load]:
    """Clients of an application, each with a problem of its own, `before` which stands what is asked about it."""
    load, over = Load(before), asyncio.Event()
    client = served.hurried(name)
    asking = [asyncio.create_task(load.ask(client, name, index, over)) for index in range(clients)]
    try:
        yield load
    finally:
        over.set()
        await asyncio.gather(*asking)
