"""Real handwritten digits: the scans which scikit-learn carries, split by scan into train and test.

The 1797 scans (8 x 8 pixels, grey) are the test part of UCI's "Optical Recognition of Handwritten Digits".
A scan is in exactly one split, so a test scene shows only handwriting that no training scene shows.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Split = Literal["train", "test"]

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""Names of the digits; a digit's value is its place in this tuple."""

_SPLIT_SEED = 20240501
_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Scans:
    """Scans of a split: `ink` is (n, 8, 8) in 0..1, `values` is (n,) in 0..9, `by_value[v]` indexes both."""

    ink: NDArray[np.float32]
    values: NDArray[np.int64]
    by_value: tuple[NDArray[np.int64], ...]


@cache
def scans(split: Split) -> Scans:
    """Return the scans of a split: a fixed fifth of each digit's scans is `test`, the rest `train`."""
    bundle = load_digits()
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(bundle.target))
    chosen: list[NDArray[np.int64]] = []
    for value in range(10):
        own = order[bundle.target[order] == value]
        cut = round(len(own) * _TEST_SHARE)
        chosen.append(own[:cut] if split == "test" else own[cut:])
    indices = np.sort(np.concatenate(chosen))
    values = bundle.target[indices].astype(np.int64)
    by_value = tuple(np.flatnonzero(values == value) for value in range(10))
    return Scans((bundle.images[indices] / 16.0).astype(np.float32), values, by_value)
