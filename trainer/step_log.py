"""The line that metrics.jsonl gets for a step, made from what TRL logs about it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainer.curriculum import JSON

TRL_NAMES = {
    "reward": "reward",
    "accuracy": "accuracy",
    "format": "format",
    "unscored": "unscored",
    "zero_variance": "frac_reward_zero_std",
    "loss": "loss",
    "kl": "kl",
    "entropy": "entropy",
    "learning_rate": "learning_rate",
    "completion_length": "completions/mean_length",
    "reward_wait_s": "reward_wait_s",
}
"""Our names and TRL's. `zero_variance` is the share of completions whose group all got the same reward."""


@dataclass(frozen=True, slots=True)
class StepPlace:
    """Which step of the run this is; steps are counted from 1."""

    stage: str
    stage_step: int
    global_step: int


def number(logs: Mapping[str, object], name: str) -> float | None:
    """Return a logged number; None where there is none or it is not finite."""
    value = logs.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def step_line(
    place: StepPlace, logs: Mapping[str, object], completions: float, step_s: float, elapsed_s: float
) -> Mapping[str, JSON]:
    """Return the metrics of a step that made `completions` completions in `step_s` seconds.

    Means are over the step's scored completions, None where there are none. `reward_wait_share` is the part
    of the step in which nothing was done but to wait for the reward service; `elapsed_s` is the time of all
    steps of the run, resumed parts included.
    """
    waited = number(logs, TRL_NAMES["reward_wait_s"])
    return {
        "stage": place.stage,
        "stage_step": place.stage_step,
        "global_step": place.global_step,
        **{ours: number(logs, theirs) for ours, theirs in TRL_NAMES.items()},
        "reward_wait_share": None if waited is None else waited / step_s,
        "completions_per_s": completions / step_s,
        "step_s": step_s,
        "elapsed_s": elapsed_s,
    }
