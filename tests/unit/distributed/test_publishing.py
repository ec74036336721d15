"""The published data set is the run's sealed shards and no other file; the card adds up their counts."""

import json
from pathlib import Path

import pytest

from reasonflux.config import EngineSpec, PairsJob, ProblemSource
from reasonflux.distributed.publishing import card_facts, pair_dataset
from reasonflux.distributed.stages import Bound, counts_path
from reasonflux.errors import StorageError
from reasonflux.library.load import TemplateLibrary
from reasonflux.pairs.counts import Mean, ShardCounts
from reasonflux.pairs.dataset import CARD, decode
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.storage.fence import Fence
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.unit.pairs.rows import pair

SHARDS = {"navigator": [[0, 1], [], [2]], "reasoner": [[0], [1], []]}


@pytest.fixture
def bound(tmp_path: Path) -> Bound:
    run = Run.open(tmp_path, "published", "config")
    config = PairsJob(
        name="published",
        problems=ProblemSource(source="testbed"),
        navigator=EngineSpec(model="m"),
        reasoner="navigator",
        round=2,
    )
    bound = Bound(
        config=config,
        run=run,
        fence=Fence(run.store, 1),
        prompts=PromptSet({"navigator": "n"}),
        library=TemplateLibrary(source="l", version="1", digest="lib", templates=()),
        navigator="nav",
        reasoner="rea",
    )
    for role, shards in SHARDS.items():
        for shard, numbers in enumerate(shards):
            bound.write(f"{role}_pairs", shard, [pair(number, role) for number in numbers])
    return bound


def write_counts(store: Store, shard: int, problems: int, reward: float, purities: list[float]) -> None:
    counts = ShardCounts(problems=problems, reward=Mean.of([reward]), verdicts={"correct": 1})
    facts = {"counts": counts.to_json(), "purity": {"sum": sum(purities), "n": len(purities)}}
    store.put(counts_path(shard), json.dumps(facts).encode())


def test_counts_of_all_shards_add_up(bound: Bound) -> None:
    write_counts(bound.run.store, 0, 2, 1.0, [1.0, 0.5])
    write_counts(bound.run.store, 1, 3, 0.0, [])
    write_counts(bound.run.store, 2, 4, 0.5, [0.0])
    facts = card_facts(bound, 3)
    assert (facts.counts.problems, facts.counts.verdicts) == (9, {"correct": 3})
    assert (facts.counts.reward.n, facts.counts.reward.value) == (3, 0.5)
    assert facts.purity == 0.5
    assert facts.provenance == bound.provenance
    assert card_facts(bound, 2).counts.problems == 5


def test_purity_is_unknown_where_no_family_is(bound: Bound) -> None:
    write_counts(bound.run.store, 0, 2, 1.0, [])
    assert card_facts(bound, 1).purity is None


def test_a_shard_without_counts_is_an_error_and_no_zero(bound: Bound) -> None:
    write_counts(bound.run.store, 0, 2, 1.0, [])
    with pytest.raises(StorageError, match="shard-00001"):
        card_facts(bound, 2)


def test_the_files_are_the_sealed_pairs_by_role_and_shard(bound: Bound) -> None:
    for shard in range(3):
        write_counts(bound.run.store, shard, 1, 1.0, [])
    bound.run.store.put("stage=navigator_pairs/shard=00000/part-stray.parquet", b"of a writer that was killed")
    dataset = pair_dataset(bound, 3, card_facts(bound, 3))
    ids = {name: [row.id for row in decode(dataset[name])] for name in dataset if name != CARD}
    assert ids == {
        "navigator/shard-00000.parquet": ["navigator0", "navigator1"],
        "navigator/shard-00001.parquet": ["navigator2"],
        "reasoner/shard-00000.parquet": ["reasoner0"],
        "reasoner/shard-00001.parquet": ["reasoner1"],
    }


def test_pairs_are_read_when_they_are_written_out_and_damage_is_not_published(bound: Bound) -> None:
    for shard in range(3):
        write_counts(bound.run.store, shard, 1, 1.0, [])
    dataset = pair_dataset(bound, 3, card_facts(bound, 3))
    sealed = bound.stage("reasoner_pairs").sealed(0)
    assert sealed is not None
    (file,) = sealed.files
    bound.run.store.put(f"stage=reasoner_pairs/shard=00000/{file.name}", b"damaged")
    with pytest.raises(StorageError, match="nothing damaged is published"):
        dataset["reasoner/shard-00000.parquet"]
