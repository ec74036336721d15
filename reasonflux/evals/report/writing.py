"""A report into a file, beside a run or elsewhere."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from reasonflux.evals.report.page import page
from reasonflux.evals.report.reading import made_of, read_runs
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

FILE = "report.html"

logger = logging.getLogger(__name__)


def report(places: Sequence[str]) -> bytes:
    """The page of one or several runs, directories or URIs; raises `BadInput` for what is no finished run."""
    return page(read_runs(places), now=datetime.now(UTC).isoformat(timespec="minutes")).encode()


def leave_report(run: str) -> None:
    """Writes `report.html` into a finished run's directory and into those of its own runs, unless it stands there.

    A report that cannot be drawn is one line of warning: the run stands without it.
    """
    place = run
    try:
        whole = Run(Store.at(run))
        for each in (*made_of(whole), whole):
            place = each.store.uri
            if not each.store.exists(FILE):
                each.store.put(FILE, report([place]))
                logger.info("report: %s/%s", place, FILE)
    except Exception as error:  # whatever it is, it says nothing against the run
        why = " ".join(str(error).split()) or type(error).__name__
        logger.warning("no report of %s: %s; `python -m reasonflux report` tries again", place, why)
