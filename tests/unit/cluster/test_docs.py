"""docs/cluster.md names files that there are and figures that the planner gives."""

import re
from pathlib import Path

from reasonflux.clusters import load_cluster
from tests.unit.test_cluster_plan import planned, spec

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"\b(?:cluster|jobs|tests)/[\w./-]+\w", TEXT))
    assert len(named) > 15
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert not missing


def test_every_cluster_that_is_named_is_described() -> None:
    for name in re.findall(r"--cluster ([\w-]+)", TEXT):
        if name != "NAME" and name != "CLUSTER":
            assert load_cluster(name)


def test_the_memory_that_is_told_is_what_the_planner_reckons() -> None:
    (engine,) = planned("a100-8", spec()).engines
    assert engine.gpu is not None
    assert f"{engine.gpu.weights_gib:.2f} GiB of weights" in TEXT
    assert f"{engine.gpu.kv_gib:.1f} GiB of KV" in TEXT
    tokens = int(re.search(r"([\d,]+) tokens,", TEXT)[1].replace(",", ""))  # type: ignore[index]
    assert abs(tokens - engine.gpu.kv_tokens) < 100
    assert f"{engine.gpu.whole_contexts} sequences of 8,192" in TEXT.replace("\n", " ")
