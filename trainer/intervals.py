"""Means with 95 % bootstrap intervals, the same numbers for the same values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

_RESAMPLES = 2000
_BATCH = 200  # bounds the memory for large sets
_SEED = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds of its 95 % percentile bootstrap interval; all None where there are no values."""

    mean: float | None
    low: float | None
    high: float | None


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean of `values` with its interval; a single value is its own interval."""
    if not values:
        return Interval(None, None, None)
    array = np.asarray(values, dtype=float)
    if len(array) == 1 or array.min() == array.max():
        return Interval(float(array[0]), float(array[0]), float(array[0]))
    result = bootstrap(
        (array,),
        np.mean,
        vectorized=True,
        method="percentile",
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return Interval(float(array.mean()), float(result.low), float(result.high))


def mean(values: Sequence[float]) -> float | None:
    """Return the plain mean, or None of nothing."""
    return float(np.mean(values)) if len(values) else None
