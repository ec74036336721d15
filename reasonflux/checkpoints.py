"""A checkpoint's files: which they are, their digest, how many bytes a node must copy, and the copy itself.

A model source is a directory, an fsspec URI (`s3://…`) or a Hub id (read as `hf://id@revision`). Weights are
safetensors or nothing: pickled weights are never read, copied or loaded.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from filelock import FileLock

from reasonflux.errors import BadInput, EngineError
from reasonflux.identity import digest

CACHE_VARIABLE = "REASONFLUX_MODEL_CACHE"  # directory of staged models on each node
BLOCK = 8 << 20  # bytes read at a time
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
HEADER_SIZE = 8  # bytes of a safetensors file that say how long its header is
WEIGHTS_INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"  # instead of config.json where only low-rank adapters were kept
OTHER_FILES = re.compile(
    r"(config|adapter_config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template"
    r"|preprocessor_config|model\.safetensors\.index)\.json|merges\.txt|chat_template\.jinja|.*\.model|tiktoken.*"
)
HUB = "hf://"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


class Unreachable(BadInput):
    """The place of a model that is not on this machine cannot be asked: no network, no access."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a model's files lie, and which there are."""

    source: str  # absolute directory or fsspec URI
    sizes: Mapping[str, int]  # file name to bytes

    @property
    def local(self) -> bool:
        return "://" not in self.source

    @property
    def weights(self) -> list[str]:
        return sorted(name for name in self.sizes if name.endswith(".safetensors"))


def resolve_source(model: str, revision: str | None = None) -> str:
    """A model's absolute directory or URI; a Hub id becomes `hf://id@revision`."""
    if "://" in model:
        return model.rstrip("/")
    path = Path(model).expanduser()
    if path.is_dir() or not _HUB_ID.fullmatch(model):
        return str(path.resolve())
    return f"{HUB}{model}@{revision}" if revision else f"{HUB}{model}"


def find_checkpoint(model: str, revision: str | None = None) -> Checkpoint:
    """The files of `model` that an engine reads.

    Raises `BadInput`: no such place, no safetensors, a part missing; `Unreachable` where nobody knows.
    """
    source = resolve_source(model, revision)
    try:
        filesystem, root = fsspec.core.url_to_fs(source)
        entries = filesystem.ls(root, detail=True)
    except FileNotFoundError as error:
        raise BadInput(f"no model at {source}", "Name a directory, a URI or a Hub id") from error
    except Exception as error:  # each filesystem has errors of its own
        known = "://" not in source or isinstance(error, ValueError)
        raise (BadInput if known else Unreachable)(
            f"model {source} cannot be read: {error}", "Check its name and your access"
        ) from error
    found = {Path(entry["name"]).name: int(entry["size"] or 0) for entry in entries if _is_file(entry)}
    sizes = {name: size for name, size in found.items() if name.endswith(".safetensors") or OTHER_FILES.fullmatch(name)}
    checkpoint = Checkpoint(source=source, sizes=sizes)
    if not checkpoint.weights:
        pickled = sorted(name for name in found if name.endswith(PICKLED))
        what = f"only pickled weights ({pickled[0]})" if pickled else "no safetensors file"
        raise BadInput(f"model {source} has {what}", "Save it with safetensors; pickles are never loaded")
    _check_complete(checkpoint)
    if checkpoint.local:
        _check_headers(checkpoint)
    return checkpoint


def _is_file(entry: Mapping[str, Any]) -> bool:
    """Also of a link to one: the Hub's cache is made of links."""
    return entry["type"] == "file" or bool(entry.get("islink") and Path(entry["name"]).is_file())


def model_config(checkpoint: Checkpoint) -> dict[str, Any]:
    """Its config.json, parsed; raises `BadInput` where that is no JSON."""
    return _read_json(checkpoint, "config.json")


def checkpoint_digest(model: str, revision: str | None = None) -> str:
    """Digest over names and SHA-256 of a model's weights, config and tokenizer; equal for every copy of it.

    Reads every byte once, in blocks. Raises `BadInput` as `find_checkpoint` does.
    """
    checkpoint = find_checkpoint(model, revision)
    return _digest_of({name: _sha256(checkpoint, name) for name in checkpoint.sizes})


def stage(model: str, expected: str, *, revision: str | None = None, cache: Path | None = None) -> Path:
    """A local directory that holds `model`, whose digest is `expected`; copied at most once a node.

    A directory is used where it lies. A URI is copied under a lock to `cache`/`expected` (default: the directory named
    by REASONFLUX_MODEL_CACHE, else `~/.cache/reasonflux/models`), hashed on the way, and renamed into place when the
    digest is right. Raises `EngineError` when it is not.
    """
    source = resolve_source(model, revision)
    if "://" not in source:
        actual = checkpoint_digest(source)
        _check_digest(source, actual, expected)
        return Path(source)
    root = cache or Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "reasonflux" / "models")
    root.mkdir(parents=True, exist_ok=True)
    target = root / expected
    with FileLock(root / f"{expected}.lock"):
        if not target.is_dir():
            _copy(find_checkpoint(model, revision), expected, target)
    return target


def _copy(checkpoint: Checkpoint, expected: str, target: Path) -> None:
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
    try:
        sums = {name: _sha256(checkpoint, name, partial / name) for name in checkpoint.sizes}
        _check_digest(checkpoint.source, _digest_of(sums), expected)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_digest(source: str, actual: str, expected: str) -> None:
    if actual != expected:
        raise EngineError(
            f"model {source} has digest {actual}, expected {expected}", "Its files have changed: plan the run anew"
        )


def _check_complete(checkpoint: Checkpoint) -> None:
    names = set(checkpoint.sizes)
    if not names & {"config.json", ADAPTER}:
        raise BadInput(f"model {checkpoint.source} has no config.json", "Name the directory that holds the whole model")
    if not names & {"tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json"}:
        raise BadInput(f"model {checkpoint.source} has no tokenizer", "Save the tokenizer beside the weights")
    if WEIGHTS_INDEX in names:
        weight_map = _read_json(checkpoint, WEIGHTS_INDEX).get("weight_map", {})
        missing = sorted(set(weight_map.values()) - names)
        if missing:
            raise BadInput(f"model {checkpoint.source} lacks {', '.join(missing[:3])}", "Copy the missing weights")
    if not names & {"chat_template.jinja", "chat_template.json"}:
        settings = _read_json(checkpoint, "tokenizer_config.json") if "tokenizer_config.json" in names else {}
        if not settings.get("chat_template"):
            raise BadInput(f"model {checkpoint.source} has no chat template", "Add chat_template.jinja beside it")


def _check_headers(checkpoint: Checkpoint) -> None:
    """A clone without its large files holds short texts by the weights' names."""
    for name in checkpoint.weights:
        with Path(checkpoint.source, name).open("rb") as file:
            start = file.read(HEADER_SIZE)
        header = int.from_bytes(start, "little")
        if len(start) < HEADER_SIZE or HEADER_SIZE + header > checkpoint.sizes[name]:
            what = f"{checkpoint.source}/{name} holds no safetensors ({checkpoint.sizes[name]} bytes)"
            raise BadInput(what, "Fetch the weights themselves, with `git lfs pull` for one, or copy the model anew")


def _read_json(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    with fsspec.open(f"{checkpoint.source}/{name}", "rb") as file:
        try:
            value = json.load(file)
        except ValueError as error:
            raise BadInput(f"{checkpoint.source}/{name} is not JSON: {error}", "Copy the model anew") from error
    return value if isinstance(value, dict) else {}


def _sha256(checkpoint: Checkpoint, name: str, copy_to: Path | None = None) -> str:
    """SHA-256 of one file, read in blocks, and written to `copy_to` on the way where that is given."""
    hasher = hashlib.sha256()
    with fsspec.open(f"{checkpoint.source}/{name}", "rb") as source:
        if copy_to is None:
            while block := source.read(BLOCK):
                hasher.update(block)
            return hasher.hexdigest()
        with copy_to.open("wb") as target:
            while block := source.read(BLOCK):
                hasher.update(block)
                target.write(block)
    return hasher.hexdigest()


def _digest_of(sums: Mapping[str, str]) -> str:
    return digest("checkpoint", [[name, sums[name]] for name in sorted(sums)])
