"""Commands set what a process logs; the next test starts as if none had run."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def level_of_the_log() -> Iterator[None]:
    logger = logging.getLogger("reasonflux")
    before = logger.level
    yield
    logger.setLevel(before)
