"""From scores to the chance that a template fits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_QUERIES = 50  # fewer say too little: the default stands
NONE_WEIGHT = 0.25  # of a query whose template was taken away: about one problem in five is one the library lacks


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One query of which the answer is known: scores of its candidates, and which of them fit."""

    scores: NDArray[np.float64]  # of shape (candidates,)
    fits: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """Chances by a softmax over the candidates and "none fits", whose score is `bar`.

    The default is what `fit_confidence` made of the published library's examples and their fused scores.
    """

    sharpness: float = 18.0
    bar: float = 0.47

    def chances(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Of shape (candidates,); what they lack of 1 is the chance that none fits."""
        logits = self.sharpness * np.append(np.asarray(scores, dtype=np.float64), self.bar)
        shares = np.exp(logits - logits.max())
        return (shares / shares.sum())[:-1]


def fit_confidence(queries: Sequence[Scored]) -> Confidence:
    """The softmax of greatest likelihood; the default for fewer than `FEWEST_QUERIES` queries.

    Each query counts twice: as it is, where the answer is a template that fits, and without those templates, where the
    answer is that none fits; else no fit would ever be seen of a problem that the library lacks.
    """
    from scipy.optimize import minimize  # here, because it takes a while to import

    known = [query for query in queries if query.fits.any() and not query.fits.all()]
    if len(known) < FEWEST_QUERIES:
        return Confidence()
    width = max(len(query.scores) for query in known)
    scores = np.stack([_padded(query.scores, width, -np.inf) for query in known])
    fits = np.stack([_padded(query.fits, width, False) for query in known])
    right, wrong = np.where(fits, scores, -np.inf), np.where(fits, -np.inf, scores)

    def loss(curve: NDArray[np.float64]) -> float:
        sharpness, bar = np.exp(curve[0]), curve[1]
        found, others = _log_sum(sharpness * right), _log_sum(sharpness * wrong)
        none = sharpness * bar
        lacking = np.logaddexp(others, none)
        as_is = np.logaddexp(lacking, found) - found
        return float(as_is.mean() + NONE_WEIGHT * (lacking - none).mean())

    start = Confidence()
    fitted = minimize(loss, np.array([np.log(start.sharpness), start.bar]), method="Nelder-Mead").x
    return Confidence(sharpness=float(np.exp(fitted[0])), bar=float(fitted[1]))


def _log_sum(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """log Σ exp of every row; each row has a finite value."""
    top = logits.max(axis=1)
    return top + np.log(np.exp(logits - top[:, None]).sum(axis=1))


def _padded(values: NDArray, width: int, filling: float | bool) -> NDArray:
    return np.concatenate([values, np.full(width - len(values), filling)])
