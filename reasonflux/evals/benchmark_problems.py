"""The problems of a suite's benchmarks, and what is known of each copy."""

import random
from dataclasses import asdict, dataclass
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.evals.suite import Benchmark
from reasonflux.identity import digest
from reasonflux.problems.checking import check_problems
from reasonflux.problems.sets import PROBLEM_SETS, load_set
from reasonflux.problems.sources import name_of, read_problems
from reasonflux.records import Problem

TYPICAL_CHARACTERS = 400.0  # of a problem whose set is not read; MATH-500 has 196, AIME 2024 333, GPQA more


@dataclass(frozen=True, kw_only=True)
class LoadedBenchmark:
    """A benchmark's problems and the facts that stand beside its results."""

    title: str
    problems: tuple[Problem, ...]
    digest: str  # of the whole copy: a set's canonical SHA-256, else over ids, texts and golds
    verified: bool | None  # the copy is a known one; None where no copy is known
    without_gold: int  # rows left out

    def facts(self, benchmark: Benchmark) -> dict[str, Any]:
        """For results: which problems, how they were graded and sampled."""
        values = {key: value for key, value in asdict(self).items() if key != "problems"}
        protocol = benchmark.protocol if isinstance(benchmark.protocol, str) else None
        sampling = benchmark.sampling.model_dump(mode="json")
        return values | {
            "problems": len(self.problems),
            "grader": benchmark.grader_name,
            "protocol": protocol,
            "sampling": sampling,
        }


def load_benchmark(name: str, benchmark: Benchmark, seed: int) -> LoadedBenchmark:
    """Reads a benchmark whole; raises `BadInput` that names it."""
    try:
        if benchmark.set is not None:
            known = PROBLEM_SETS[benchmark.set]
            loaded = load_set(benchmark.set, known, path=benchmark.path, sha256=benchmark.sha256, limit=benchmark.limit)
            verified = loaded.verified if known.copies or benchmark.sha256 else None
            return LoadedBenchmark(
                title=known.title,
                problems=_sampled(loaded.problems, benchmark.sample, seed),
                digest=loaded.digest,
                verified=verified,
                without_gold=loaded.without_gold,
            )
        return _of_source(benchmark, seed)
    except BadInput as error:
        raise BadInput(f"benchmarks.{name}: {error.what}", error.remedy) from error


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A benchmark's size, for a plan."""

    problems: int
    mean_characters: float = TYPICAL_CHARACTERS  # of a problem


def expected_problems(benchmark: Benchmark, seed: int) -> Expected:
    """How many problems a benchmark has and how long they are: what lies here is read, the Hub is taken at its word."""
    if benchmark.set is not None and not benchmark.path:
        rows = PROBLEM_SETS[benchmark.set].rows - PROBLEM_SETS[benchmark.set].without_gold
        return Expected(problems=min(rows, benchmark.limit or rows, benchmark.sample or rows))
    problems = load_benchmark(benchmark.set or "", benchmark, seed).problems
    characters = sum(len(problem.text) for problem in problems)
    return Expected(problems=len(problems), mean_characters=characters / max(1, len(problems)))


def _sampled(problems: tuple[Problem, ...], count: int | None, seed: int) -> tuple[Problem, ...]:
    """`count` of them in their order, equal for equal arguments; all where there are no more."""
    if count is None or count >= len(problems):
        return problems
    places = random.Random(f"sample {seed}").sample(range(len(problems)), count)
    return tuple(problems[place] for place in sorted(places))


def _of_source(benchmark: Benchmark, seed: int) -> LoadedBenchmark:
    assert benchmark.problems is not None, "the suite's own check"
    check = check_problems(benchmark.problems, seed)
    problems = tuple(read_problems(benchmark.problems, seed))
    return LoadedBenchmark(
        title=name_of(benchmark.problems),
        problems=problems,
        digest=digest([[problem.id, problem.text, problem.gold] for problem in problems]),
        verified=None,
        without_gold=check.empty_gold,
    )
