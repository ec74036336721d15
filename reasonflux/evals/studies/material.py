"""What a study is made of: finished benchmark runs, published figures, and what a training cost."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import pyarrow.parquet as pq
from pydantic import StringConstraints

from reasonflux.arrow import from_table
from reasonflux.config import Model
from reasonflux.errors import BadInput
from reasonflux.evals.comparing import Cell
from reasonflux.evals.exporting import FOLDER
from reasonflux.evals.metrics import by_problem
from reasonflux.evals.results import Results, marks_of
from reasonflux.evals.samples import Mark, Sample
from reasonflux.evals.studies.training_cost import TrainingCost
from reasonflux.storage.run import Run

Arm = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+#[a-z0-9_-]+@[a-z0-9_@-]+$")]  # RUN#METHOD@MODEL


class Published(Model):
    """A row that others have published; values are percentages by the column's name."""

    name: str
    source: str
    values: dict[str, float]


class PublishedTables(Model):
    """`benchmarks/published.yaml`."""

    table2: tuple[Published, ...] = ()
    table3: tuple[Published, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A finished benchmark run."""

    results: str  # its digest
    cells: Mapping[Cell, Sequence[Mark]]
    samples: Callable[[Cell], list[Sample]]  # with all that they were made of; read when asked for

    @classmethod
    def read(cls, run: Run) -> "Measured":
        """Out of a run directory; raises `BadInput` for one that is not finished."""

        def samples(cell: Cell) -> list[Sample]:
            benchmark, model, method = cell
            data = run.store.read(f"{FOLDER}/samples/{model}/{benchmark}/{method}.parquet")
            return from_table(Sample, pq.read_table(io.BytesIO(data)))

        return cls(results=Results.read(run).digest, cells=marks_of(run), samples=samples)


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that a study's function is given."""

    runs: Mapping[str, Measured]  # by the study's names for them
    published: PublishedTables = PublishedTables()
    training: TrainingCost | None = None  # of the trained navigator; None: nobody knows

    def has(self, arm: Arm, benchmark: str) -> bool:
        """Whether the arm was measured on this benchmark."""
        run, cell = cell_of(arm, benchmark)
        return cell in self.runs[run].cells

    def marks(self, arm: Arm, benchmark: str) -> list[Mark]:
        """The arm's samples; raises `BadInput` where there are none."""
        run, cell = cell_of(arm, benchmark)
        if not self.has(arm, benchmark):
            raise BadInput(f"{arm} was not measured on {benchmark}", "Name another arm, or add it to its suite")
        return list(self.runs[run].cells[cell])

    def problems(self, arm: Arm, benchmark: str) -> dict[str, list[Mark]]:
        """The same by problem."""
        return by_problem(self.marks(arm, benchmark))

    def samples(self, arm: Arm, benchmark: str) -> dict[str, list[Sample]]:
        """The same with all that they were made of."""
        run, cell = cell_of(arm, benchmark)
        return by_problem(self.runs[run].samples(cell))


def cell_of(arm: Arm, benchmark: str) -> tuple[str, Cell]:
    """The run of an arm, and its cell there."""
    run, _, column = arm.partition("#")
    method, _, model = column.partition("@")
    return run, (benchmark, model, method)


def same_problems(**sides: Mapping[str, object]) -> list[str]:
    """The problems of all sides, in one order; raises `BadInput` where one side has others."""
    (first, known), *others = sides.items()
    for name, side in others:
        if side.keys() != known.keys():
            apart = len(side.keys() ^ known.keys())
            what = f"{apart} problems stand in {first} or in {name} alone"
            raise BadInput(what, "Let both suites name the same problems")
    return sorted(known)
