"""What tests of every room share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Finds a file or folder of the shared data by its path there; skips the test where that data is not at hand."""
    root = Path(os.environ.get("REASONFLUX_SHARED") or REPOSITORY.parent / "shared")

    def find(path: str) -> Path:
        found = root / path
        if not found.exists():
            pytest.skip(f"the shared data is not at hand: no {path} in REASONFLUX_SHARED or ../shared")
        return found

    return find
