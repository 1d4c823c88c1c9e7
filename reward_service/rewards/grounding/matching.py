"""The best one-to-one matching of predictions and references, and the formulas of the modes over it.

Each mode maximises its own sum. A matching that is best in IoU may hold fewer hits than another, and among matchings
of equal IoU the number of hits would depend on the order of the boxes; the largest sum is one number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import ge, gt

import numpy as np
from scipy.optimize import linear_sum_assignment

from reward_service.rewards.grounding.options import Mode
from reward_service.rewards.grounding.overlap import Matrix

CHUNK = 1 << 18
"""Cells of a matrix of predictions by references that are held at once."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a pair is worth in a mode, by its IoU: 1 if it is a hit, its IoU, or its IoU if it is a hit."""

    mode: Mode
    threshold: float
    inclusive: bool

    def of(self, iou: float) -> float:
        """The worth of one pair; boxes that do not touch are never a hit."""
        if self.mode == "soft":
            return iou
        if not (iou > self.threshold or (self.inclusive and iou == self.threshold > 0)):
            return 0.0
        return iou if self.mode == "match_mean" else 1.0

    def of_all(self, iou: Matrix) -> Matrix:
        """`of` for each cell."""
        if self.mode == "soft":
            return iou
        hits = ((ge if self.inclusive else gt)(iou, self.threshold)) & (iou > 0)
        return np.where(hits, iou if self.mode == "match_mean" else 1.0, 0.0)


def best_sum(predictions: int, references: int, worth: Callable[[slice], Matrix]) -> float:
    """The largest sum over one-to-one matchings; `worth` gives the rows of a slice of the predictions.

    The order of rows and columns must be canonical, so that equal items get equal floats. For each reference only the
    `references` best predictions can be needed, so no matrix grows with the number of predictions.
    """
    step = max(1, CHUNK // references)
    kept = np.concatenate(
        [_useful_rows(worth(slice(start, start + step))) for start in range(0, predictions, step)]
    )
    kept = _useful_rows(kept)
    rows, columns = linear_sum_assignment(kept, maximize=True)
    return math.fsum(kept[rows, columns])


def _useful_rows(worth: Matrix) -> Matrix:
    references = worth.shape[1]
    if len(worth) <= 2 * references:
        return worth
    best = np.argpartition(-worth, references - 1, axis=0)[:references]
    return worth[np.unique(best)]


def score(mode: Mode, total: float, predictions: int, references: int) -> float:
    """The accuracy in [0, 1] of a matching worth `total`; 1 where nothing is predicted and nothing is to be found."""
    if predictions == references == 0:
        return 1.0
    if mode == "f1":
        return 2 * total / (predictions + references)
    return total / max(predictions, references)


def label_mask(predicted: Sequence[str | None], wanted: Sequence[str | None]) -> Matrix:
    """1 where a prediction has the label a reference wants, or the reference wants none; else 0."""
    sought = [_normal(label) for label in wanted]
    codes = {label: code for code, label in enumerate(dict.fromkeys(sought))}
    rows = np.array([codes.get(_normal(label), -1) for label in predicted])
    columns = np.array([codes[label] for label in sought])
    free = np.array([label is None for label in wanted])
    return np.asarray((rows[:, None] == columns) | free, dtype=np.float64)


def _normal(label: str | None) -> str | None:
    return None if label is None else " ".join(label.split()).casefold()
