"""The best one-to-one matching of predictions and references, and the formulas of the modes over it.

Each mode maximises its own sum. A matching that is best in IoU may hold fewer hits than another, and among
matchings of equal IoU the hits would depend on the order of the boxes; the largest sum is one number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import ge, gt
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from reward_service.rewards.grounding.options import Mode
from reward_service.rewards.grounding.overlap import Matrix


class Worth(NamedTuple):
    """What a pair is worth: its IoU (soft), and if it is a hit 1 (hard, f1) or its IoU (match_mean)."""

    mode: Mode
    threshold: float
    inclusive: bool

    def of(self, iou: float) -> float:
        """The worth of one pair; boxes that share nothing are never a hit."""
        if self.mode == "soft":
            return iou
        if not (iou > self.threshold or (self.inclusive and iou == self.threshold > 0)):
            return 0.0
        return iou if self.mode == "match_mean" else 1.0

    def of_all(self, iou: Matrix) -> Matrix:
        """`of` for each cell."""
        if self.mode == "soft":
            return iou
        hits = (ge if self.inclusive else gt)(iou, self.threshold) & (iou > 0)
        return np.where(hits, iou if self.mode == "match_mean" else 1.0, 0.0)


def score(mode: Mode, total: float, predictions: int, references: int) -> float:
    """The accuracy in [0, 1] of a matching worth `total`; 1 where nothing is predicted or to be found."""
    if predictions == references == 0:
        return 1.0
    if mode == "f1":
        return 2 * total / (predictions + references)
    return total / max(predictions, references)


def best_of_few(worth: list[list[float]]) -> float:
    """The largest sum of a one-to-one matching, of a row for each prediction, in any order."""
    if len(worth) == 1:
        return max(worth[0])
    if len(worth[0]) == 1:
        return max(worth)[0]
    # The solver's rounding depends on the order of the rows.
    matrix = np.array(sorted(worth))
    return math.fsum(matrix[linear_sum_assignment(matrix, maximize=True)])


def best_of_many(parts: Iterable[Matrix]) -> float:
    """The same for any number of rows, given part by part in a canonical order.

    With R references only the R best rows of each column can be needed, so the matrix to solve stays small.
    """
    matrix = _useful_rows(np.concatenate([_useful_rows(part) for part in parts]))
    return math.fsum(matrix[linear_sum_assignment(matrix, maximize=True)])


def _useful_rows(worth: Matrix) -> Matrix:
    references = worth.shape[1]
    if len(worth) <= 2 * references:
        return worth
    best = np.argpartition(-worth, references - 1, axis=0)[:references]
    return worth[np.unique(best)]


def label_mask(predicted: Sequence[str | None], wanted: Sequence[str | None]) -> Matrix:
    """1 where a prediction has the label a reference wants, or the reference wants none; else 0."""
    codes: dict[str | None, int] = {}
    columns = np.array([codes.setdefault(_normal(label), len(codes)) for label in wanted])
    rows = np.array([codes.get(_normal(label), -1) for label in predicted])
    free = np.array([label is None for label in wanted])
    return np.asarray((rows[:, None] == columns) | free, dtype=np.float64)


def same_label(predicted: str | None, wanted: str | None) -> bool:
    """Whether a prediction has the label a reference wants, up to case and white space, or it wants none."""
    return wanted is None or _normal(predicted) == _normal(wanted)


def _normal(label: str | None) -> str | None:
    return None if label is None else " ".join(label.split()).casefold()
