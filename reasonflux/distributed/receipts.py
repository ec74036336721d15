"""What the driver learns of rows that a worker has committed: a few counts, never the rows."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Counts = dict[str, dict[str, float]]  # by kind, then by name


def counts_of(rows: Sequence[Any]) -> Counts:
    """Counts over rows of any record: status, verdicts, tokens, failures by reason, calls beyond the first."""
    status: Counter[str] = Counter("failed" if getattr(row, "failure", None) is not None else "done" for row in rows)
    failures = Counter(row.failure.error for row in rows if getattr(row, "failure", None) is not None)
    verdicts = Counter(str(row.verdict) for row in rows if getattr(row, "verdict", None) is not None)
    usages = [row.usage for row in rows if getattr(row, "usage", None) is not None]
    tokens = {
        "prompt": sum(usage.prompt_tokens for usage in usages),
        "output": sum(usage.output_tokens for usage in usages),
        "cached": sum(usage.cached_tokens for usage in usages),
    }
    calls = {"retries": sum(max(0, usage.attempts - 1) for usage in usages)}
    found = {"status": status, "failures": failures, "verdicts": verdicts, "tokens": tokens, "calls": calls}
    return {kind: {name: amount for name, amount in each.items() if amount} for kind, each in found.items()}


def added(receipts: Iterable[Mapping[str, Mapping[str, float]]]) -> Counts:
    """The sum of receipts."""
    total: Counts = {}
    for receipt in receipts:
        for kind, counts in receipt.items():
            into = total.setdefault(kind, {})
            for name, amount in counts.items():
                into[name] = into.get(name, 0) + amount
    return total


def told(shard: int, rows: int, **counts: Mapping[str, float]) -> dict[str, Any]:
    """The small row that a task over a shard returns; `counts` travel as JSON, so that all rows have equal columns."""
    return {"shard": shard, "rows": rows, "counts": json.dumps(counts)}
