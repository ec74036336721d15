"""What may stand in a suite: benchmarks × models × methods, the config of `jobs/run_benchmark.py`.

A method's settings are the fields of its record in `reasoning/methods`, and are checked where the file is read.
"""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from reasonflux.config import (
    EngineSpec,
    Model,
    OutputConfig,
    ProblemSource,
    RetrievalConfig,
    StreamConfig,
    VerifierConfig,
)
from reasonflux.errors import BadInput
from reasonflux.evals.sampling_protocols import PROTOCOLS, SamplingProtocol
from reasonflux.problems.sets import PROBLEM_SETS
from reasonflux.reasoning.methods import METHODS, Method
from reasonflux.rewards.graders import GRADERS

Endpoint = Annotated[str, StringConstraints(pattern=r"^https?://[^#]+#.+$")]  # base URL#MODEL, as OpenAI's
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_@-]*$")]  # of a directory, too


class Benchmark(Model):
    """A problem set with its grader and how it is sampled."""

    set: str | None = None  # a name of `problems.sets.PROBLEM_SETS`, or
    problems: ProblemSource | None = None  # problems of any source
    path: str = ""  # of a set: JSONL or Parquet, file or URI; empty: the Hub
    sha256: str | None = None  # of a set: the canonical digest of the one copy that will do
    limit: int | None = Field(None, gt=0)  # of a set: its first problems
    sample: int | None = Field(None, gt=0)  # of a set: so many of these, drawn by the suite's seed
    grader: str | None = None  # None: the set's own, else math
    protocol: str | SamplingProtocol = "avg@16"

    @model_validator(mode="after")
    def _known(self) -> "Benchmark":
        if (self.set is None) == (self.problems is None):
            raise ValueError("name either a set or problems")
        for what, name, known in (
            ("set", self.set, PROBLEM_SETS),
            ("grader", self.grader, GRADERS),
            ("protocol", self.protocol if isinstance(self.protocol, str) else None, PROTOCOLS),
        ):
            if name is not None and name not in known:
                raise ValueError(f"there is no {what} {name}; there are {', '.join(known)}")
        return self

    @property
    def sampling(self) -> SamplingProtocol:
        """The protocol, whichever way it is given."""
        return PROTOCOLS[self.protocol] if isinstance(self.protocol, str) else self.protocol

    @property
    def grader_name(self) -> str:
        """The grader, named here or by the set."""
        return self.grader or (PROBLEM_SETS[self.set].grader if self.set else "math")


class EvaluatedModel(Model):
    """Navigator and reasoner, with the prompts and the library that they are asked with."""

    navigator: EngineSpec | Endpoint
    reasoner: EngineSpec | Literal["navigator"] | Endpoint = "navigator"  # "navigator": one engine serves both roles
    prompts: str = "v1"  # a shipped set by name, or a directory
    plan_format: Literal["templates", "free"] = "free"
    library: str | None = None  # path or URI of a library file, or "testbed"; steps are bound to it and found in it
    retrieval: RetrievalConfig | None = None  # None: nothing is retrieved

    @model_validator(mode="after")
    def _whole(self) -> "EvaluatedModel":
        if self.retrieval and not self.library:
            raise ValueError("retrieval needs a library")
        if self.reasoner == self.navigator:
            object.__setattr__(self, "reasoner", "navigator")
        return self

    @property
    def reasoner_spec(self) -> EngineSpec | Endpoint:
        """The reasoner's engine or endpoint, whichever role it is shared with."""
        return self.navigator if self.reasoner == "navigator" else self.reasoner


class BenchmarkJob(Model):
    """Config of `jobs/run_benchmark.py`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    seed: int = 0  # of generated problems, and of every sample
    benchmarks: dict[Name, Benchmark] = Field(min_length=1)
    models: dict[Name, EvaluatedModel] = Field(min_length=1)
    methods: dict[Name, dict[str, Any]] = Field(min_length=1)  # `method` (else the name itself) and its settings
    judge: EngineSpec | Endpoint | None = None  # asked beside the grader, never one of the models
    verifier: VerifierConfig = VerifierConfig()
    stream: StreamConfig = StreamConfig()
    output: OutputConfig = OutputConfig()

    @model_validator(mode="after")
    def _methods_known(self) -> "BenchmarkJob":
        for name, settings in self.methods.items():
            try:
                build_method(name, settings)
            except BadInput as error:
                raise ValueError(f"methods.{name}: {error}") from error
        return self

    def built_methods(self) -> dict[str, Method]:
        """The methods by the suite's names for them."""
        return {name: build_method(name, settings) for name, settings in self.methods.items()}


def build_method(name: str, settings: dict[str, Any]) -> Method:
    """A method out of its settings; raises `BadInput` for an unknown one, an unknown setting, and a wrong value."""
    kind = settings.get("method", name)
    if kind not in METHODS:
        raise BadInput(f"there is no method {kind}", f"There are {', '.join(METHODS)}")
    given = {key: value for key, value in settings.items() if key != "method"}
    known = [field.name for field in fields(METHODS[kind])]  # type: ignore[arg-type]  # a method is a frozen record
    for key in given:
        if key not in known:
            raise BadInput(f"{kind} has no setting {key}", f"It has {', '.join(known) or 'none'}")
    try:
        built: Method = TypeAdapter(METHODS[kind]).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInput(f"{kind}: {'.'.join(map(str, first['loc']))}: {first['msg']}", "See its record") from error
    return built
