"""How hard a prompt is for the model that answers it, by the scores of the group of its completions.

A table and pure functions. (The `stage` of an item is difficulty as data: it picks options out of a profile.)

    pass rate   share of the scored items whose accuracy is at least `pass_accuracy`
    difficulty  1 - pass rate
    weight      what the group should count in the loss or the sampler, by the profile's `group_weight`:
                `cosine`   cos(pi * (pass rate - 0.5)): 1 where half pass, 0 where all or none do (VL-Cogito)
                `uniform`  1

Items that could not be scored are counted in `size` alone; where nothing was scored, everything else is null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

GroupWeight: TypeAlias = Literal["cosine", "uniform"]


@dataclass(frozen=True, slots=True)
class GroupItem:
    """One item of a group.

    accuracy: in [0, 1], or None where it could not be scored. reward: the weighted sum of the components, or
    None likewise. difficulty: the prior its sender gave, in [0, 1].
    """

    group: str
    reward: float | None
    accuracy: float | None
    difficulty: float | None = None


@dataclass(frozen=True, slots=True)
class GroupStatistics:
    """What the items of one group say; mean and std (of the population) are those of the rewards.

    prior: mean of the priors that were given.
    """

    size: int
    scored: int
    mean: float | None
    std: float | None
    pass_rate: float | None
    difficulty: float | None
    weight: float | None
    prior: float | None = None


def cosine_weight(pass_rate: float) -> float:
    """cos(pi * (pass_rate - 0.5)), in [0, 1]; exactly 0 where all or none pass."""
    return math.sin(math.pi * min(pass_rate, 1 - pass_rate))


def uniform_weight(pass_rate: float) -> float:
    """1 whatever the pass rate."""
    return 1.0


WEIGHTS: Mapping[GroupWeight, Callable[[float], float]] = MappingProxyType(
    {"cosine": cosine_weight, "uniform": uniform_weight}
)


def group_statistics(
    items: Iterable[GroupItem], *, pass_accuracy: float = 0.5, group_weight: GroupWeight = "cosine"
) -> dict[str, GroupStatistics]:
    """The statistics of each group, by its first item; the order inside a group changes nothing."""
    groups: dict[str, list[GroupItem]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    return {
        name: _describe(members, pass_accuracy, WEIGHTS[group_weight]) for name, members in groups.items()
    }


def _describe(
    items: list[GroupItem], pass_accuracy: float, weight: Callable[[float], float]
) -> GroupStatistics:
    priors = [item.difficulty for item in items if item.difficulty is not None]
    prior = _mean(priors) if priors else None
    rewards = [item.reward for item in items if item.reward is not None]
    accuracies = [item.accuracy for item in items if item.accuracy is not None]
    if not rewards or not accuracies:
        return GroupStatistics(len(items), 0, None, None, None, None, None, prior)
    mean = _mean(rewards)
    std = math.sqrt(_mean([(reward - mean) ** 2 for reward in rewards]))
    passed = sum(accuracy >= pass_accuracy for accuracy in accuracies)
    rate = passed / len(accuracies)
    return GroupStatistics(len(items), len(rewards), mean, std, rate, 1 - rate, weight(rate), prior)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
