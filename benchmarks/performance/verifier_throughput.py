"""Answers graded per second by a verifier, on the gold answers of MATH-500 in four kinds of text.

    python benchmarks/performance/verifier_throughput.py --data ../shared/data/math500.jsonl

Each text has 2,000 characters before its box. Each repeat starts children of its own, so that nothing is cached from
the one before; within a repeat a gold answer is met four times, as one is by the rollouts of its problem. Processor
time of parent and children is printed beside the rate: on a machine that does other work, it is the figure to trust.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections import Counter
from pathlib import Path

import psutil

from reasonflux.config import VerifierConfig
from reasonflux.rewards.verifier import Verifier

Items = list[tuple[str, str]]
THINKING = "Then we simplify $x^2 - {1}$ and go on. " * 50


def kinds(golds: list[str]) -> dict[str, Items]:
    """What is measured, by name."""
    others = golds[1:] + golds[:1]
    measured = {
        "spelled as the gold answer": [(gold, gold) for gold in golds],
        "the gold answer by algebra": [(f"0 + {gold}", gold) for gold in golds],
        "another problem's answer": [(other, gold) for other, gold in zip(others, golds, strict=True)],
    }
    measured["all of these, mixed"] = [pair for pairs in zip(*measured.values(), strict=True) for pair in pairs]
    return {
        name: [(f"{THINKING}\\boxed{{{answer}}}", gold) for answer, gold in pairs] for name, pairs in measured.items()
    }


def cpu_seconds() -> float:
    """Processor time that this process and its living children have used."""
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)


async def measure(measured: dict[str, Items], config: VerifierConfig) -> dict[str, tuple[float, float, Counter[str]]]:
    """By kind: answers a second, processor milliseconds an answer, verdicts."""
    figures = {}
    with Verifier(config) as verifier:
        await verifier([(r"\boxed{x}", "x + 0")] * 100)  # all children are warm
        for name, items in measured.items():
            cpu, started = cpu_seconds(), time.perf_counter()
            gradings = await verifier(items)
            seconds = time.perf_counter() - started
            verdicts = Counter(grading.verdict.value for grading in gradings)
            figures[name] = (len(items) / seconds, 1000 * (cpu_seconds() - cpu) / len(items), verdicts)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="JSON lines with a column `answer`")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    lines = arguments.data.read_text(encoding="utf-8").splitlines()
    measured = kinds([json.loads(line)["answer"] for line in lines])
    config = VerifierConfig(processes=arguments.processes)
    repeats = [asyncio.run(measure(measured, config)) for _ in range(arguments.repeats)]
    load = os.getloadavg()[0]
    print(f"{arguments.processes} processes, {os.cpu_count()} cores, load {load:.1f}, {arguments.repeats} repeats")
    print(f"{'answers':32}{'per second: median (least to most)':40}{'CPU ms each':>12}  verdicts")
    for name in measured:
        rates = sorted(repeat[name][0] for repeat in repeats)
        cpu = statistics.median(repeat[name][1] for repeat in repeats)
        rate = f"{statistics.median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f})"
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(repeats[0][name][2].items()))
        print(f"{name:32}{rate:40}{cpu:12.2f}  {verdicts}")


if __name__ == "__main__":
    main()
