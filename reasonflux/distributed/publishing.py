"""The published data set of a run: its sealed shards of pairs, and a card, out of one record of counts a shard."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from reasonflux.distributed.stages import Bound, counts_path
from reasonflux.pairs.card import CardFacts
from reasonflux.pairs.counts import ShardCounts
from reasonflux.pairs.dataset import PairDataset, PairFile
from reasonflux.pairs.provenance import Role
from reasonflux.storage.stage import AT_ONCE


def card_facts(bound: Bound, shards: int) -> CardFacts:
    """What the card and the summary tell, added up over the shards."""
    counts, purity_sum, purity_n = ShardCounts(), 0.0, 0
    for facts in _facts(bound, shards):
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
        for shard, manifest in enumerate(bound.stage(f"{role.value}_pairs").manifests(shards))
        for file in manifest.files
    ]
    return PairDataset(files, facts)


def _facts(bound: Bound, shards: int) -> Iterator[dict[str, Any]]:
    """What each shard's last task has written beside its rows, in order; some shards are read side by side."""
    for start in range(0, shards, AT_ONCE):
        paths = [counts_path(shard) for shard in range(start, min(start + AT_ONCE, shards))]
        data = bound.run.store.get_many(paths)
        for path in paths:
            yield json.loads(data[path] if path in data else bound.run.store.read(path))
