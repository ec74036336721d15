"""A report into a file, beside a run or elsewhere."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from reasonflux.evals.report.page import page
from reasonflux.evals.report.reading import read_runs
from reasonflux.storage.store import Store

FILE = "report.html"

logger = logging.getLogger(__name__)


def report(places: Sequence[str]) -> bytes:
    """The page of one or several runs, directories or URIs; raises `BadInput` for what is no finished run."""
    return page(read_runs(places), now=datetime.now(UTC).isoformat(timespec="minutes")).encode()


def leave_report(run: str) -> None:
    """Writes `report.html` into a finished run's directory, unless it stands there.

    A report that cannot be drawn is one line of warning: the run stands without it.
    """
    try:
        store = Store.at(run)
        if not store.exists(FILE):
            store.put(FILE, report([run]))
            logger.info("report: %s/%s", store.uri, FILE)
    except Exception as error:  # whatever it is, it says nothing against the run
        why = " ".join(str(error).split()) or type(error).__name__
        logger.warning("no report of %s: %s; `python -m reasonflux report` tries again", run, why)
