"""Events for machines: one line each, with the ids that are known."""

import json
import logging
from collections.abc import Iterator

import pytest

from reasonflux import logs


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    before = dict(logs._context)
    logs._context.clear()
    yield
    logs._context.clear()
    logs._context.update(before)


def event(message: str, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("reasonflux.job", logging.WARNING, __file__, 1, message, (), None)
    record.__dict__.update(extra)
    line = logs.JsonLines().format(record)
    assert "\n" not in line
    read: dict[str, object] = json.loads(line)
    return read


def test_an_event_is_one_line_with_the_ids_known_and_its_own_fields() -> None:
    logs.know(run="a", job="01", place=None)
    told = event("two\nlines", fields={"stage": "rollouts", "rows": 3})
    assert told.pop("time")
    assert told == {
        "level": "WARNING",
        "logger": "reasonflux.job",
        "event": "two\nlines",
        "run": "a",
        "job": "01",
        "stage": "rollouts",
        "rows": 3,
    }


def test_the_environment_chooses_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(logs.FORMAT, raising=False)
    assert not isinstance(logs.formatter(), logs.JsonLines)
    monkeypatch.setenv(logs.FORMAT, "JSON")
    assert isinstance(logs.formatter(), logs.JsonLines)
