"""What a job logs: lines for people, or one JSON object an event for machines (REASONFLUX_LOG_FORMAT=json)."""

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

FORMAT = "REASONFLUX_LOG_FORMAT"
_context: dict[str, Any] = {}


def know(**ids: Any) -> None:
    """Ids that stand in every event from here on: the run, the job."""
    _context.update({name: value for name, value in ids.items() if value})


class JsonLines(logging.Formatter):
    """time (UTC), level, logger, event, the ids of `know`, and the `fields` of a record's `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **_context,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str)


def as_json() -> bool:
    """Whether events are JSON."""
    return os.environ.get(FORMAT, "").lower() == "json"


def formatter() -> logging.Formatter:
    """As the environment asks."""
    return JsonLines() if as_json() else logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S")
