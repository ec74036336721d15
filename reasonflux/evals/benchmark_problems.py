"""The problems of a suite's benchmarks, and what is known of each copy."""

from dataclasses import asdict, dataclass
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.evals.suite import Benchmark
from reasonflux.identity import digest
from reasonflux.problems.checking import check_problems
from reasonflux.problems.sets import PROBLEM_SETS, load_set
from reasonflux.problems.sources import name_of, read_problems
from reasonflux.records import Problem


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
                problems=loaded.problems,
                digest=loaded.digest,
                verified=verified,
                without_gold=loaded.without_gold,
            )
        return _of_source(benchmark, seed)
    except BadInput as error:
        raise BadInput(f"benchmarks.{name}: {error.what}", error.remedy) from error


def expected_problems(benchmark: Benchmark, seed: int) -> int:
    """How many problems a benchmark has, for a plan: what lies here is read, the Hub is taken at its word."""
    if benchmark.set is not None and not benchmark.path:
        rows = PROBLEM_SETS[benchmark.set].rows - PROBLEM_SETS[benchmark.set].without_gold
        return min(rows, benchmark.limit or rows)
    return len(load_benchmark(benchmark.set or "", benchmark, seed).problems)


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
