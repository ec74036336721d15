"""Programs of others that speak to endpoints, each in a virtual environment of its own: their pins are not ours."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
UV = (HERE.parents[1] / "requirements" / "tool.sh", sys.executable)  # from the indexes that pip is configured for
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reasonflux" / "clients"
INSTALL_DEADLINE_S = 300.0


def installed(name: str) -> Path:
    """The programs of an environment with what `tests/clients/NAME.txt` pins; made once and kept.

    Skips the test where the packages cannot be had; fails it where they are not there in time.
    """
    pins = HERE / f"{name}.txt"
    place = CACHE / f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"
    whole = place / "whole"
    if not whole.exists():
        _uv(name, "venv", "--clear", "--python", sys.executable, place)
        _uv(name, "pip", "install", "--no-deps", "--python", place / "bin" / "python", "-r", pins)
        whole.touch()
    return place / "bin"


def _uv(name: str, *arguments: Any) -> None:
    command = [*UV, *arguments, "--quiet"]
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=INSTALL_DEADLINE_S)
    except subprocess.TimeoutExpired:
        pytest.fail(f"the packages of tests/clients/{name}.txt were not installed within {INSTALL_DEADLINE_S:g} s")
    if done.returncode:
        pytest.skip(f"the packages of tests/clients/{name}.txt cannot be had here: {done.stderr.strip()[-300:]}")
