"""An `Embed` without a model: words as directions, the same in every process."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reasonflux.identity import digest


class WordsEmbed:
    """The sum of a direction for each word; counts the texts that it was asked for."""

    def __init__(self, digest: str = "words", dimensions: int = 64) -> None:
        self.digest, self.dimensions, self.asked = digest, dimensions, 0

    def __call__(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        self.asked += len(texts)
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float32]:
        words = [word.strip(".,:?").lower() for word in text.split()] or [""]
        seeds = [int(digest(word)[:8], 16) for word in words]
        total = np.sum([np.random.default_rng(seed).normal(size=self.dimensions) for seed in seeds], axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)
