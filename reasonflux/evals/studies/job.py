"""What may stand in a study: its benchmark runs, and what is made of them; the config of `jobs/run_study.py`."""

from typing import Annotated

from pydantic import Field, model_validator

from reasonflux.config import Model, OutputConfig
from reasonflux.evals.studies.fig4 import Fig4
from reasonflux.evals.studies.fig5 import Fig5
from reasonflux.evals.studies.material import cell_of
from reasonflux.evals.studies.table2 import Table2
from reasonflux.evals.studies.table3 import Table3
from reasonflux.evals.suite import Name

Study = Annotated[Table2 | Table3 | Fig4 | Fig5, Field(discriminator="kind")]


class StudyRun(Model):
    """A benchmark run that a study stands on; studies that name the same suite share it."""

    suite: str  # config of jobs/run_benchmark.py, from where the job runs; its output.root is the study's
    set: tuple[str, ...] = ()  # KEY=VALUE, laid over the suite
    trained: Name | None = None  # its model that takes the navigator which stands after `rounds`


class StudyJob(Model):
    """Config of `jobs/run_study.py`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    study: Study
    runs: dict[Name, StudyRun] = Field(min_length=1)  # by the study's names for them
    published: str | None = None  # file of published figures
    rounds: str | None = None  # a finished run of jobs/run_rounds.py: its navigator, and what training it cost
    output: OutputConfig = OutputConfig()

    @model_validator(mode="after")
    def _runs_named(self) -> "StudyJob":
        for arm, benchmark in self.study.arms():
            run, _ = cell_of(arm, benchmark or "")
            if run not in self.runs:
                raise ValueError(f"study: {arm} is of the run {run}; runs has {', '.join(self.runs)}")
        return self
