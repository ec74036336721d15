"""How far a stage is: told to the log, to Prometheus, and to `progress.json` for `reasonflux status`."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from reasonflux.distributed import metrics
from reasonflux.distributed.receipts import Counts, added
from reasonflux.errors import ReasonFluxError
from reasonflux.storage.progress import PROGRESS, ProgressFile
from reasonflux.storage.store import Store

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 10.0


@dataclass
class Progress:
    """Receipts of one stage added up."""

    stage: str
    store: Store | None = None  # of the run
    expected: int | None = None  # rows of the whole stage
    rows: int = 0
    failed: int = 0
    output_tokens: int = 0
    counts: Counts = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    logged: float = field(default_factory=time.monotonic)

    @property
    def run(self) -> str:
        """The run's name."""
        return self.store.uri.rstrip("/").rpartition("/")[2] if self.store else ""

    def add(self, receipts: pa.Table) -> None:
        """Adds a batch of receipts; tells every `PROGRESS_EVERY_S` seconds."""
        self.rows += sum(receipts["rows"].to_pylist())
        self.failed += sum(receipts["failed"].to_pylist())
        self.output_tokens += sum(receipts["output_tokens"].to_pylist())
        for counts in map(json.loads, receipts["counts"].to_pylist()):
            self.count(counts)
        if time.monotonic() - self.logged >= PROGRESS_EVERY_S:
            self.log("running")

    def count(self, counts: Mapping[str, Mapping[str, float]]) -> None:
        """Adds the counts of a receipt."""
        self.counts = added((self.counts, counts))
        metrics.count_stage(self.run, self.stage, counts)

    @property
    def seconds(self) -> float:
        """Since the first receipt could have come."""
        return self.logged - self.started

    def log(self, state: str) -> None:
        """One line of progress, and the file."""
        self.logged = time.monotonic()
        seconds = max(self.seconds, 1e-9)
        rate = self.rows / seconds
        logger.info(
            "stage %s %s: %d rows, %d failed, %.0f rows/s, %.1f s",
            *(self.stage, state, self.rows, self.failed, rate, seconds),
            extra={"fields": {"stage": self.stage, "state": state, "rows": self.rows, "failed": self.failed}},
        )
        self._write(state, seconds, rate)

    def _write(self, state: str, seconds: float, rate: float) -> None:
        if self.store is None:
            return
        file = ProgressFile(
            stage=self.stage,
            state=state,
            rows=self.rows,
            failed=self.failed,
            expected=self.expected,
            seconds=seconds,
            rows_per_s=rate,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            self.store.put(PROGRESS, file.to_bytes())
        except ReasonFluxError as error:  # the rows are what counts
            logger.warning("%s was not written: %s", PROGRESS, error)
