"""A run directory: one execution of a job, tied to one config for good."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasonflux.errors import BadInput, StorageError
from reasonflux.records import Record
from reasonflux.storage.fence import Fence
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIFF_LINES = 20  # shown of two configs


@dataclass(frozen=True)
class Run:
    """The run directory at `store`: `config.yaml`, `stage=…/`, `metrics.json`, `manifest.json`. Picklable."""

    store: Store

    @classmethod
    def at(cls, root: str | Path, name: str, config_text: str) -> "Run":
        """The run `name` below `root`, whether it was begun or not; writes nothing.

        Raises `BadInput` for a name that is no directory's and, with the difference, for another config.
        """
        if not _NAME.fullmatch(name):
            raise BadInput(f"a run cannot be called {name!r}", "Use letters, digits, dots, dashes and underscores")
        store = Store.at(root).child(name)
        there = store.get("config.yaml")
        if there is not None and there != config_text.encode():
            difference = _difference(there.decode(errors="replace"), config_text)
            raise BadInput(
                f"{store.uri} belongs to another config",
                f"Give this run another name, or run the old config:\n{difference}",
            )
        return cls(store)

    @classmethod
    def open(cls, root: str | Path, name: str, config_text: str) -> "Run":
        """The run `name` below `root`, begun now or before with this very config; raises as `at`.

        Comes after every check: what is refused is mended in its config, and may still have its name.
        """
        run = cls.at(root, name, config_text)
        if not run.store.create("config.yaml", config_text.encode()):  # somebody began it between the two
            return cls.at(root, name, config_text)
        return run

    def stage(self, name: str, record: type[Record], fence: Fence | None = None) -> Stage[Record]:
        """A stage of this run; with a `fence`, one whose writes end when another driver takes over."""
        return Stage(self.store, name, record, fence=fence)

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write or replace `metrics.json`."""
        self.store.put("metrics.json", json_bytes(metrics))

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write `manifest.json`, the last file of a run; raises `StorageError` when the run ended with another."""
        if not self.store.create("manifest.json", json_bytes(manifest)):
            raise StorageError(f"{self.store.uri} is finished with another manifest", "Give this run another name")

    def manifest(self) -> dict[str, Any] | None:
        """What `finish` wrote, None while the run is not finished."""
        data = self.store.get("manifest.json")
        if data is None:
            return None
        try:
            manifest: dict[str, Any] = json.loads(data)
        except ValueError as error:
            raise StorageError(
                f"{self.store.uri}/manifest.json is no JSON: {error}", "Run `reasonflux fsck`"
            ) from error
        return manifest


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """JSON of a file for people and machines; equal values give equal bytes."""
    return (json.dumps(dict(value), sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def _difference(there: str, here: str) -> str:
    lines = list(difflib.unified_diff(there.splitlines(), here.splitlines(), "there", "here", n=1, lineterm=""))
    more = len(lines) - _DIFF_LINES
    return "\n".join(lines[:_DIFF_LINES] + ([f"… and {more} lines more"] if more > 0 else []))
