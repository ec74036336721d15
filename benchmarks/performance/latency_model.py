"""How long an engine with continuous batching takes: the model behind both halves of the cluster's simulation.

A decoding step of n sequences takes `step_s` + n × `sequence_s`, and gives each of them one token. A prompt that is let
in takes the engine its tokens ÷ `prompt_tokens_per_s`, during which nobody gets a token (vLLM mixes both in one step,
which takes about as long). What finds no place waits, first come, first served.

    python -m benchmarks.performance.latency_model FILE…

measures how long written solutions are: the field `solution` of JSONL files.
"""

import heapq
import json
import math
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist, median, stdev
from typing import Any

from pydantic import Field

from reasonflux.config import Model
from reasonflux.planning import CHARACTERS_PER_TOKEN

NORMAL = NormalDist()
LEAST, MOST = 1e-9, 1 - 1e-9  # of what a normal quantile is asked for


class Speed(Model):
    """One replica."""

    step_s: float = Field(gt=0)  # of a decoding step that nobody is in
    sequence_s: float = Field(ge=0)  # that each sequence adds to it
    prompt_tokens_per_s: float = Field(gt=0)
    places: int = Field(gt=0)  # vLLM's max_num_seqs

    def step(self, sequences: int) -> float:
        """Seconds of one step."""
        return self.step_s + sequences * self.sequence_s


class Lengths(Model):
    """Tokens of one kind of text: lognormal, cut at `most`."""

    median: float = Field(gt=0)
    sigma: float = Field(ge=0)  # standard deviation of the logarithm
    most: int = Field(gt=0)  # max_tokens

    def at(self, share: float) -> int:
        """The length that a share of texts does not exceed."""
        normal = NORMAL.inv_cdf(min(MOST, max(LEAST, share)))
        return max(1, min(self.most, round(self.median * math.exp(self.sigma * normal))))

    @classmethod
    def of(cls, tokens: Sequence[float], most: int) -> "Lengths":
        """What texts of so many tokens each, more than one, are drawn from."""
        return cls(median=median(tokens), sigma=stdev(map(math.log, tokens)), most=most)

    @property
    def mean(self) -> float:
        """Expected tokens, by the midpoints of a thousand equal shares."""
        return sum(self.at((index + 0.5) / 1000) for index in range(1000)) / 1000


# One A100-80GB, 32B parameters in bfloat16, vLLM. A step of one sequence takes 45.2 ms: 22.13 tokens/s in Qwen's own
# speed benchmark (Qwen2.5-32B-Instruct, BF16, input 1). Prompts are read at 2,657 tokens/s: GPUStack's performance lab,
# Qwen3-32B on A100, vLLM 0.11, "short prompt" of 128 + 4 tokens. With 0.2 ms a sequence and the 90 places that its KV
# cache leaves, the model takes as long as that lab's run of 1,000 ShareGPT requests, 242 s (a test).
ONE_A100 = Speed(step_s=0.0452, sequence_s=0.0002, prompt_tokens_per_s=2657, places=90)
# Four of them with tensor parallelism: each reads a quarter of the weights (11.3 ms) and does a quarter of the work.
# All-reduces: 6.0 ms, which is what two GPUs' 31.4 ms at 30,720 tokens of context leave (31.82 tokens/s in Qwen's
# table) beside 22.6 ms for the weights and 2.8 ms for the KV cache. No run on four was found to check it by.
FOUR_A100 = Speed(step_s=0.0173, sequence_s=0.00005, prompt_tokens_per_s=10_628, places=256)


class Batch:
    """The requests inside one engine. Seconds are of any clock that the caller keeps, and never go back."""

    def __init__(self, speed: Speed, now: float = 0.0) -> None:
        self.speed, self.now = speed, now
        self.place_s = 0.0  # places taken × seconds
        self.work_s = 0.0  # seconds with a request inside
        self._tokens = 0.0  # that one has got who was inside from the beginning
        self._reading_s = 0.0  # of prompts, still to be spent
        self._running: list[tuple[float, int, Any]] = []  # tokens at which it ends, order, key
        self._waiting: deque[tuple[int, int, Any]] = deque()  # prompt, output, key
        self._taken = 0

    @property
    def running(self) -> int:
        """Requests that have a place."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Requests that have none."""
        return len(self._waiting)

    def add(self, key: Any, prompt: int, output: int) -> None:
        """A request of `prompt` tokens that will write `output`, at the time that `advance` has come to."""
        self._waiting.append((prompt, output, key))
        self._let_in()

    def next_end(self) -> float:
        """When the next request ends if none comes; infinite when there is none."""
        if not self._running:
            return math.inf
        left = max(0.0, self._running[0][0] - self._tokens)
        return self.now + self._reading_s + left * self.speed.step(len(self._running))

    def advance(self, now: float) -> list[Any]:
        """Goes on to `now`; the keys of what has ended, in order. Nothing where it has come further already."""
        ended = []
        while (end := self.next_end()) <= now:
            self._pass(end - self.now)
            ended.append(heapq.heappop(self._running)[2])
            self._let_in()
        self._pass(max(0.0, now - self.now))
        return ended

    def _pass(self, seconds: float) -> None:
        running = len(self._running)
        if running:
            self.place_s += running * seconds
            self.work_s += seconds
            reading = min(self._reading_s, seconds)
            self._reading_s -= reading
            self._tokens += (seconds - reading) / self.speed.step(running)
        self.now += seconds

    def _let_in(self) -> None:
        while self._waiting and len(self._running) < self.speed.places:
            prompt, output, key = self._waiting.popleft()
            self._reading_s += prompt / self.speed.prompt_tokens_per_s
            self._taken += 1
            heapq.heappush(self._running, (self._tokens + output, self._taken, key))


def main(paths: Sequence[str]) -> None:
    for path in paths:
        rows = map(json.loads, Path(path).read_text(encoding="utf-8").splitlines())
        texts = [row["solution"] for row in rows if row.get("solution")]
        texts = [text if isinstance(text, str) else text[0] for text in texts]
        tokens = sorted(len(text) / CHARACTERS_PER_TOKEN for text in texts)
        found, top = Lengths.of(tokens, most=1 << 20), tokens[int(0.99 * len(tokens))]
        print(
            f"{Path(path).stem}: {len(tokens)} solutions, median {found.median:.0f} tokens, "
            f"σ {found.sigma:.2f}, 99th percentile {top / found.median:.1f} times the median"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
