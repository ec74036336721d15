"""Two merged benchmark runs against each other, as `reasonflux compare` tests them."""

from reasonflux.errors import BadInput
from reasonflux.evals.comparing import LEVEL, compare
from reasonflux.evals.exhibits import Table
from reasonflux.evals.report.parts import Section
from reasonflux.evals.results import marks_of
from reasonflux.storage.run import Run


def comparison_section(a: Run, b: Run) -> Section | None:
    """None where they have nothing in common, or the problems of a benchmark differ."""
    try:
        differences = compare(marks_of(a), marks_of(b))
    except BadInput:
        return None
    names = [run.store.uri.rpartition("/")[2] for run in (a, b)]
    table = Table(
        id="comparison",
        title=f"B − A: {names[1]} against {names[0]}",
        caption="Per cent; 95% intervals over problems; p of a two-sided sign-flip permutation test over problems, and "
        f"Holm's correction over this table, which is held against {LEVEL:g}.",
        columns=("benchmark", "A", "B", "problems", "A %", "B %", "B − A", "low", "high", "p", "p, Holm"),
        rows=tuple(
            (
                *(one.benchmark, one.a, one.b, one.problems),
                *(round(100 * share, 1) for share in (one.mean_a, one.mean_b, one.difference, one.low, one.high)),
                *(round(one.p, 4), round(one.adjusted, 4)),
            )
            for one in differences
        ),
    )
    return Section(title="Compared", tables=(table,))
