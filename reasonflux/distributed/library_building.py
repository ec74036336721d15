"""A template library out of solved problems: solved → proposals → library.json, resumed like every job (rows L6, L7).

solved     the problems with their solutions, in shards
proposals  what the engine made of each, refusals among them
library.json, report.json   near-doubles merged; what was dropped, counted by reason
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from rich.table import Table

from reasonflux.clusters import Cluster
from reasonflux.config import EngineSpec, LibraryJob
from reasonflux.configuring import dump_config, resolve_model
from reasonflux.distributed import runtime
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.engine_options import check_engine
from reasonflux.distributed.engines import deploy_all, known_digest
from reasonflux.distributed.places import named_places, shared_places
from reasonflux.distributed.preflight import placed, weights_of
from reasonflux.distributed.receipts import told
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.sampling import check_sampling
from reasonflux.distributed.stream import CLIENT_CPUS, MapStage, map_rows, over_shards
from reasonflux.errors import Incomplete
from reasonflux.library.extraction import PROMPT, expand_solved, extract, merge
from reasonflux.library.load import library_of
from reasonflux.library.saving import library_bytes
from reasonflux.library.solved import SolvedProblem, TemplateProposal
from reasonflux.planning import CHARACTERS_PER_TOKEN, EnginePlan, JobPlan, StagePlan
from reasonflux.problems.known_benchmarks import benchmark_of
from reasonflux.problems.solved import check_solved
from reasonflux.problems.sources import name_of, read_solved
from reasonflux.protocols import Generate
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.storage.lease import Fence, Holder, Lease
from reasonflux.storage.probe import probe
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from reasonflux.uris import check_places

PROMPTS = Path(__file__).parent.parent / "library" / "prompts"
LIBRARY, REPORT = "library.json", "report.json"
ROLE = "proposer"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What every task of the run needs; picklable."""

    config: LibraryJob
    run: Run
    fence: Fence
    prompts: PromptSet
    proposer: str  # digest of the checkpoint

    @property
    def solved(self) -> Stage[SolvedProblem]:
        """The work items."""
        return self.run.stage("solved", SolvedProblem, self.fence)

    @property
    def proposals(self) -> Stage[TemplateProposal]:
        """What became of them."""
        return self.run.stage("proposals", TemplateProposal, self.fence)


@dataclass(frozen=True, kw_only=True)
class Built:
    """Where the library lies, and what became of every solved problem, counted by reason."""

    path: str
    version: str
    digest: str
    counts: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return asdict(self)

    def table(self) -> Table:
        """The counts."""
        table = Table("what", "count", title=f"library {self.version}")
        for what, count in self.counts.items():
            table.add_row(what, f"{count:,}")
        return table


class ExtractionWorker:
    """Proposals for solved problems."""

    def __init__(self, bound: Bound, generate: Generate) -> None:
        self._bound, self._generate = bound, generate

    async def __call__(self, rows: list[SolvedProblem]) -> list[TemplateProposal]:
        bound = self._bound
        render, sampling = bound.prompts.render, bound.config.sampling
        known = None if bound.config.allow_benchmark else benchmark_of
        return await extract(rows, self._generate, render, sampling, known, checkpoint=bound.proposer)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a job's config and all that it reads tell."""

    prompts: PromptSet
    spec: EngineSpec  # its model resolved
    problems: int
    mean_characters: float  # of a problem with its solution


def check_library_job(config: LibraryJob) -> Checked:
    """Checks a job's config and what it reads; raises `BadInput`."""
    check_places(named_places(config))
    runtime.check_root("output.root", config.output.root)
    check_sampling(config.sampling)
    spec = config.proposer.model_copy(update={"model": resolve_model(config.proposer.model)})
    check_engine(spec)
    prompts = PromptSet.load(config.prompts or PROMPTS).only(PROMPT)
    problems, characters = check_solved(config.problems, config.seed, allow_benchmark=config.allow_benchmark)
    return Checked(prompts=prompts, spec=spec, problems=problems, mean_characters=characters)


def plan_library(config: LibraryJob, cluster: Cluster | None = None) -> JobPlan:
    """What `build_library` would do, and where on a described cluster; writes and starts nothing.

    Raises `BadInput`, also for what the cluster cannot hold. The model need not be reachable from here.
    """
    checked = check_library_job(config)
    empty = Problem(id="id", text="", gold="", problem_set="set")
    asked = sum(len(message.content) for message in checked.prompts.render(PROMPT, problem=empty, solution=""))
    stages = (
        StagePlan(name="solved", rows=checked.problems),
        StagePlan(
            name="proposals",
            rows=checked.problems,
            engine=ROLE,
            prompt_tokens=int(checked.problems * (asked + checked.mean_characters) / CHARACTERS_PER_TOKEN),
            output_tokens=checked.problems * config.sampling.max_tokens,
        ),
    )
    weights = weights_of(checked.spec)
    job = JobPlan(name=config.name, stages=stages, engines={ROLE: EnginePlan.of(checked.spec, weights)})
    if cluster is None:
        return job
    beside = config.stream.clients * CLIENT_CPUS
    return replace(job, cluster=placed(cluster, {ROLE: checked.spec}, {ROLE: weights}, stages, beside))


def build_library(config: LibraryJob, deploy: Deploy = deploy_all) -> Built:
    """Runs the job, or goes on with it; a finished run is only read. Raises `BadInput` before any engine starts."""
    checked = check_library_job(config)
    root = Store.at(config.output.root)
    probe(root)
    checkpoint = known_digest(checked.spec)
    Run.at(root.uri, config.name, dump_config(config))  # before Ray starts
    runtime.connect()
    runtime.check_shared(shared_places(config))
    run = Run.open(root.uri, config.name, dump_config(config))
    with Lease.acquire(run.store, Holder.current()) as lease:
        bound = Bound(config=config, run=run, fence=lease.fence, prompts=checked.prompts, proposer=checkpoint)
        shards = _solved(bound)
        _propose(bound, shards, checked.spec, deploy)
        built = _merge(bound, shards)
        if run.manifest() is None:
            lease.check()
            run.finish({"name": config.name, "shards": shards, "checkpoint": checkpoint, **built.to_json()})
    return built


def _solved(bound: Bound) -> int:
    """Reads the source into shards, a shard's problems at a time; returns how many shards."""
    done = bound.solved.manifest()
    if done is not None:
        return len(done.shards)
    identity = {"checkpoint": bound.proposer, "prompts": bound.prompts.digest}
    source = read_solved(bound.config.problems, bound.config.seed)
    shards = 0
    while solved := list(islice(source, bound.config.stream.shard_problems)):
        bound.solved.put_shard(shards, expand_solved(solved, bound.config.sampling, identity))
        shards += 1
    bound.solved.finish(shards, {})
    return shards


def _propose(bound: Bound, shards: int, spec: EngineSpec, deploy: Deploy) -> None:
    if bound.proposals.manifest() is not None:
        return
    stream = bound.config.stream
    with RunEngines(
        run=bound.config.name,
        specs={ROLE: spec},
        checkpoints={ROLE: bound.proposer},
        rows_per_call=stream.rows_per_part,
        deploy=deploy,
    ) as engines:
        stage = MapStage(
            source=bound.solved,
            target=bound.proposals,
            build=partial(_worker, bound, engines.ready(ROLE)),
            together="problem.id",
            stream=stream,
            processes=stream.clients,
            rows_per_part=stream.rows_per_part,
        )
        map_rows(stage, shards)
    over_shards("seal proposals", shards, partial(_seal, bound), stream.stage_deadline_s)
    bound.proposals.finish(shards, {})


def _worker(bound: Bound, application: str) -> ExtractionWorker:
    """Made inside the actor: a client belongs to its process."""
    stream = bound.config.stream
    client = EngineClient(application=application, attempts=stream.call_attempts, deadline_s=stream.call_deadline_s)
    return ExtractionWorker(bound, client.warm_up())


def _seal(bound: Bound, shard: int) -> dict[str, Any]:
    expected = bound.solved.read(shard, columns=["id"])["id"].to_pylist()
    return told(shard, bound.proposals.seal(shard, expected, {}).rows)


def _merge(bound: Bound, shards: int) -> Built:
    """The library out of all proposals; it is held whole, as every reader of it will. Done again it is equal."""
    rows = [row for shard in range(shards) for row in bound.proposals.records(shard)]
    merged = merge(rows, bound.config.merge_likeness)
    counts = {"solved problems": len(rows), **merged.counts}
    source = name_of(bound.config.problems)
    library = library_of(merged.templates, source=source, version=bound.config.version)
    if bound.config.allow_benchmark:
        library = library_of(merged.templates, source=source, version=f"{library.version}-of-a-benchmark")
    store = bound.run.store
    store.put(REPORT, (json.dumps(counts, indent=1) + "\n").encode())
    if not library.templates:
        raise Incomplete(f"no proposal became a template: {json.dumps(counts)}", f"See {store.uri}/{REPORT}")
    store.put(LIBRARY, library_bytes(library))
    return Built(path=f"{store.uri}/{LIBRARY}", version=library.version, digest=library.digest, counts=counts)
