"""Whether something may be built on a source of solved problems: it has solutions, and is no benchmark."""

from collections import Counter

from reasonflux.config import ProblemSource
from reasonflux.errors import BadInput
from reasonflux.problems.known_benchmarks import benchmark_by_name, benchmark_of
from reasonflux.problems.sources import name_of, read_solved

MOST_SHARED = 0.05  # of a source's problems that stand in benchmarks: these are left out; more, and it is refused
REMEDY = "A benchmark measures what it was not built on: name another source"


def check_solved(source: ProblemSource, seed: int = 0, *, allow_benchmark: bool = False) -> tuple[int, float]:
    """How many problems there are, and how many characters one has with its solution; one streaming pass.

    Raises `BadInput` for a source without solutions, and for one that is called after a benchmark or holds more than
    `MOST_SHARED` problems of any, unless `allow_benchmark` is set.
    """
    total, solved, characters, known = 0, 0, 0, Counter[str]()
    for problem, solution in read_solved(source, seed):
        total += 1
        characters += len(problem.text) + len(solution or "")
        solved += bool(solution)
        benchmark = benchmark_of(problem.text)
        if benchmark:
            known[benchmark] += 1
    if not solved:
        raise BadInput(f"{name_of(source)} holds no problem with a solution", "Check problems.fields.solution")
    found = total, characters / total
    if allow_benchmark:
        return found
    named = benchmark_by_name(name_of(source))
    if named:
        raise BadInput(f"{source.path} is called after the benchmark {named}", REMEDY)
    if known.total() > MOST_SHARED * total:
        where = ", ".join(f"{count} of {name}" for name, count in known.most_common())
        raise BadInput(f"{source.path}: of {total} problems {known.total()} stand in benchmarks: {where}", REMEDY)
    return found
