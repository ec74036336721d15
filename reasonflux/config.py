"""The config of the main job: one frozen pydantic model, unknown keys refused.

YAML and the command line are read by `reasonflux/configuring.py`; this file only says what may stand in them.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reasonflux.protocols import Sampling


class Model(BaseModel):
    """Base of every part of a config; defaults are validated, so that 600 and 600.0 are one value with one digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class FieldNames(Model):
    """Which column of the source holds what; None where the source has no such column."""

    text: str = "problem"
    gold: str = "answer"
    id: str | None = None
    family: str | None = None
    tags: str | None = None
    level: str | None = None
    solution: str | None = None  # worked out; jobs/build_library.py alone reads it


class ProblemSource(Model):
    """Where problems come from: a registered problem set by name, or a file or Hub dataset by path and field names."""

    source: Literal["testbed", "jsonl", "parquet", "hub"]
    path: str = ""  # file or URI (jsonl, parquet) or dataset name (hub)
    revision: str | None = None  # hub
    subset: str | None = None  # hub: configuration of the dataset, where it has several
    split: str = "train"  # hub: split to load; testbed: training, tuning, gate or final; files: what to call it
    fields: FieldNames = FieldNames()
    skip: int = Field(0, ge=0)  # rows at the start to pass over
    limit: int | None = Field(None, gt=0)  # rows after these, at most
    skip_empty_gold: bool = False  # leave rows without a gold answer out, and say how many
    skip_duplicates: bool = False  # keep the first of rows with one id, and say how many
    count: int = Field(96, gt=0)  # testbed: problems to generate
    held_out: bool = False  # testbed: draw held-out families and phrasings too


class SimilarConfig(Model):
    """X_sim: x itself and `count` − 1 others."""

    provider: Literal["family", "nearest", "self"] = "family"
    count: int = Field(4, gt=0)


class Autoscaling(Model):
    """Replicas follow the sequences in flight. The first one after none starts at once, whatever the delays."""

    min_replicas: int = Field(1, ge=0)  # 0: without work nothing is held
    max_replicas: int = Field(1, gt=0)
    target_sequences: int = Field(64, gt=0)  # in flight per replica
    upscale_delay_s: float = Field(30, ge=0)  # for how long there is more than that, before a replica is added
    downscale_delay_s: float = Field(600, ge=0)  # for how long there is less, before one is given back

    @model_validator(mode="after")
    def _ordered(self) -> "Autoscaling":
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas is {self.min_replicas}, max_replicas {self.max_replicas}")
        return self


class EngineSpec(Model):
    """One model on vLLM, as Serve deploys it."""

    model: str  # directory, fsspec URI or Hub id; safetensors only
    revision: str | None = None  # Hub id only
    digest: str | None = None  # expected of the checkpoint; None takes what the model's files give
    device: Literal["cpu", "gpu"] = "gpu"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    tensor_parallel: int = Field(1, gt=0)
    pipeline_parallel: int = Field(1, gt=0)
    max_model_len: int | None = Field(None, gt=0)
    max_num_seqs: int = Field(256, gt=0)
    replicas: int = Field(1, gt=0)
    autoscaling: Autoscaling | None = None
    cpus_per_replica: float = Field(1.0, gt=0)
    kv_cache_gib: int = Field(1, gt=0)  # cpu only
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    pool: str | None = None  # custom resource of Ray: each GPU, or CPU replica, takes one; None: any node
    load: Literal["stage", "stream"] = "stage"  # copy the weights to each node once, or stream them from the source
    engine_args: dict[str, Any] = {}  # further arguments of vLLM's AsyncEngineArgs, by their own names
    start_deadline_s: float = Field(600, gt=0)


class RetrievalConfig(Model):
    """How templates are found for a query (reference rows R1 to R5)."""

    algorithm: Literal["fused", "lexical", "published"] = "fused"  # lexical: words alone, which needs no model
    model: str = ""  # sentence-transformers: a directory, a Hub id, or package:NAME for the one in a Python package
    revision: str | None = None  # Hub id only
    queries: Literal["words", "model"] = "words"  # model: a forward pass a query, which finds more
    lexical_weight: float = Field(0.5, ge=0, le=1)  # of the lexical score; the dense one has the rest
    least_confidence: float = Field(0.0, ge=0, le=1)  # templates below it do not fit
    cache: str | None = None  # directory or URI where embeddings are kept


class SamplingConfig(Model):
    """How many plans and rollouts, and how each is sampled."""

    trajectories: int = Field(8, gt=0)  # plans asked for per problem
    rollouts_own: int = Field(4, gt=0)  # rollouts of a plan at its own problem x
    rollouts_similar: int = Field(1, gt=0)  # rollouts of a plan at each other problem of X_sim
    plan_format: Literal["templates", "free"] = "templates"
    navigator: Sampling = Sampling(max_tokens=96)
    reasoner: Sampling = Sampling(max_tokens=128)


class VerifierConfig(Model):
    """Killable child processes that grade answers."""

    processes: int = Field(2, gt=0)
    deadline_s: float = Field(5.0, gt=0)  # per answer
    memory_mib: int = Field(2048, ge=256)  # address space per child, beyond what its libraries take


class PairConfig(Model):
    """Which trajectories and rollouts become pairs."""

    margin: float = Field(0.25, gt=0, le=1)  # least R⁺ − R⁻
    per_problem: int = Field(4, gt=0)
    reasoner_per_trajectory: int = Field(1, ge=0)
    reasoner_least_reward: float = Field(0.0, ge=0, le=1)  # of a plan whose rollouts make reasoner pairs
    balance: bool = True  # a plan is chosen, or rejected, in at most half of its problem's pairs, rounded up


class StreamConfig(Model):
    """How work is cut up and how long it may take."""

    shard_problems: int = Field(32, gt=0)
    rows_per_part: int = Field(64, gt=0)  # rows of a committed part, and requests of a call
    calls_in_flight: int | None = Field(None, gt=0)  # full lists that a client has under way; None: to fill engines
    clients: int = Field(1, gt=0)  # processes that call the engines
    call_attempts: int = Field(5, gt=0)
    call_deadline_s: float = Field(600, gt=0)  # between two completions of one call
    stall_s: float = Field(600, gt=0)  # without a finished row of a stage whose rows are calls; then the job ends
    stage_deadline_s: float = Field(86_400, gt=0)  # of one task over a shard or over all problems


class OutputConfig(Model):
    """Where a run writes."""

    root: str = "runs"  # directory or URI that holds run directories
    dataset: str | None = None  # directory or URI for the published pairs; None: inside the run directory


class PairsJob(Model):
    """Config of `jobs/generate_pairs.py`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    seed: int = 0
    round: int = Field(0, ge=0)
    problems: ProblemSource
    plans: Literal["navigator", "right", "wrong"] = "navigator"  # right, wrong: the testbed's own, for ceilings
    similar: SimilarConfig = SimilarConfig()
    library: str = "testbed"  # path or URI of a library file, or "testbed"
    library_version: str | None = None  # refuse any other
    prompts: str = "plain"  # a shipped set of prompts by name, or a directory of one
    navigator: EngineSpec
    reasoner: EngineSpec | Literal["navigator"]  # "navigator": one engine serves both roles
    sampling: SamplingConfig = SamplingConfig()
    verifier: VerifierConfig = VerifierConfig()
    pairs: PairConfig = PairConfig()
    stream: StreamConfig = StreamConfig()
    output: OutputConfig = OutputConfig()

    @model_validator(mode="after")
    def _same_engine_once(self) -> "PairsJob":
        if isinstance(self.reasoner, EngineSpec) and self.reasoner == self.navigator:
            object.__setattr__(self, "reasoner", "navigator")
        return self

    @property
    def reasoner_spec(self) -> EngineSpec:
        """The reasoner's engine, whichever role it is shared with."""
        return self.navigator if isinstance(self.reasoner, str) else self.reasoner


class LibraryJob(Model):
    """Config of `jobs/build_library.py`: a template library out of solved problems."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    seed: int = 0
    problems: ProblemSource  # with fields.solution
    allow_benchmark: bool = False  # take problems of known benchmarks; the library's version then says so
    proposer: EngineSpec
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=2048)
    prompts: str | None = None  # a directory with extract.jinja; None: the shipped one
    merge_likeness: float = Field(0.8, gt=0, le=1)  # templates at least this alike become one; lower takes in siblings
    version: str = ""  # of the library; empty: named after its content
    stream: StreamConfig = StreamConfig()
    output: OutputConfig = OutputConfig()
