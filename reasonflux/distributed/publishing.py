"""The published data set of a run: its sealed shards of pairs, and a card, out of one record of counts a shard."""

import json
from functools import partial
from typing import Any

from reasonflux.distributed.stages import Bound, counts_path
from reasonflux.pairs.card import CardFacts
from reasonflux.pairs.counts import ShardCounts
from reasonflux.pairs.dataset import PairDataset, PairFile
from reasonflux.pairs.provenance import Role


def card_facts(bound: Bound, shards: int) -> CardFacts:
    """What the card and the summary tell, added up over the shards."""
    counts, purity_sum, purity_n = ShardCounts(), 0.0, 0
    for shard in range(shards):
        facts: dict[str, Any] = json.loads(bound.run.store.read(counts_path(shard)))
        counts += ShardCounts.from_json(facts["counts"])
        purity_sum, purity_n = purity_sum + facts["purity"]["sum"], purity_n + facts["purity"]["n"]
    purity = purity_sum / purity_n if purity_n else None
    return CardFacts(job=bound.config, provenance=bound.provenance, purity=purity, counts=counts)


def pair_dataset(bound: Bound, shards: int, facts: CardFacts) -> PairDataset:
    """The data set's files: the run's sealed parts as they are, read when they are written out."""
    files = [
        PairFile(
            role=role,
            rows=file.rows,
            sha256=file.sha256,
            read=partial(bound.run.store.read, f"stage={role.value}_pairs/shard={shard:05d}/{file.name}"),
        )
        for role in Role
        for shard in range(shards)
        for file in _sealed_files(bound, f"{role.value}_pairs", shard)
    ]
    return PairDataset(files, facts)


def _sealed_files(bound: Bound, stage: str, shard: int) -> tuple[Any, ...]:
    manifest = bound.stage(stage).sealed(shard)
    return manifest.files if manifest else ()
