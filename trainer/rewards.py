"""The reward function that TRL calls: posts the rollout batch to the service, hands back numbers and None.

Used as the only reward function of a run. TRL adds up what several functions say and takes a None of one of
them for nothing, so a completion that could not be judged would be trained on by the rest of its reward.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trainer.client import Batch, RewardClient
from trainer.config import Format, RewardConfig, Routes
from trainer.errors import TooManyUnscored
from trainer.items import Completion, make_item, route_of, text_of
from trainer.wire import GroupStatistics, Item, ItemResult, ProfileIdentity


class TrainerState(Protocol):
    """The part of transformers' TrainerState that is read."""

    global_step: int
    max_steps: int


@dataclass(frozen=True, slots=True)
class Rollout:
    """One completion with the service's word on it; reward, accuracy and format are None where not judged."""

    row_id: str
    task: str
    format: Format
    prompt: str
    completion: str
    reference: str
    reward: float | None
    result: ItemResult

    @property
    def accuracy(self) -> float | None:
        """The accuracy component, 0 to 1."""
        return self.result.component("accuracy")

    @property
    def format_score(self) -> float | None:
        """The format component, 0 or 1."""
        return self.result.component("format")


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """All rollouts of one call, in order. `step` counts steps of the stage done before; wait in seconds."""

    step: int
    rollouts: tuple[Rollout, ...]
    groups: Mapping[str, GroupStatistics]
    profile: ProfileIdentity
    wait_s: float

    @property
    def accuracy(self) -> float | None:
        """Mean accuracy of what was judged; None where nothing was."""
        return _mean([rollout.accuracy for rollout in self.rollouts])

    @property
    def format_score(self) -> float | None:
        """Mean format of what was judged; None where nothing was."""
        return _mean([rollout.format_score for rollout in self.rollouts])

    @property
    def unscored(self) -> float:
        """Share of completions without a reward, 0 to 1."""
        return sum(rollout.reward is None for rollout in self.rollouts) / len(self.rollouts)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The data set's columns of a batch, one entry per completion."""

    reference: Sequence[str]
    task: Sequence[str]
    format: Sequence[Format]
    row_id: Sequence[str]
    row_options: Sequence[str] | None

    def item(self, i: int, completion: Completion, routes: Routes) -> Item:
        """Return the item of completion `i`; its place makes its id unique."""
        return make_item(
            route_of(routes, self.task[i], self.format[i]),
            completion,
            self.reference[i],
            id=f"{i}:{self.row_id[i]}",
            form=self.format[i],
            group=self.row_id[i],
            row_options=json.loads(self.row_options[i]) if self.row_options is not None else None,
        )

    def rollout(self, i: int, prompt: Completion, item: Item, batch: Batch) -> Rollout:
        """Return what became of completion `i`."""
        return Rollout(
            row_id=self.row_id[i],
            task=self.task[i],
            format=self.format[i],
            prompt=text_of(prompt),
            completion=item.completion,
            reference=self.reference[i],
            reward=batch.rewards[i],
            result=batch.results[i],
        )


class RemoteReward:
    """TRL's reward function, answered by the reward service.

    `settings` are those of the stage (`RunConfig.reward_of`). `on_batch` gets every batch, also one that is
    then refused because more than `settings.max_unscored` of it has no reward (TooManyUnscored).
    """

    def __init__(
        self,
        client: RewardClient,
        settings: RewardConfig,
        on_batch: Callable[[ScoredBatch], None] | None = None,
    ) -> None:
        self.__name__ = "service"  # TRL logs rewards/service/mean
        self._client = client
        self._settings = settings
        self._on_batch = on_batch

    def __call__(
        self,
        prompts: Sequence[Completion],
        completions: Sequence[Completion],
        *,
        reference: Sequence[str],
        task: Sequence[str],
        format: Sequence[Format],
        row_id: Sequence[str],
        row_options: Sequence[str] | None = None,
        trainer_state: TrainerState | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **_: object,
    ) -> list[float | None]:
        """Return a reward for each completion, None where it could not be judged.

        Other columns and callbacks that TRL passes are ignored. `row_options` are JSON texts.
        """
        columns = _Columns(reference, task, format, row_id, row_options)
        items = [
            columns.item(i, completion, self._settings.routes) for i, completion in enumerate(completions)
        ]
        started = time.monotonic()
        batch = self._client.score(items, self._settings.profile, _progress(trainer_state))
        scored = ScoredBatch(
            step=trainer_state.global_step if trainer_state is not None else 0,
            rollouts=tuple(columns.rollout(i, prompts[i], item, batch) for i, item in enumerate(items)),
            groups=batch.groups,
            profile=batch.profile,
            wait_s=time.monotonic() - started,
        )
        self._report(scored, log_metric)
        self._refuse_if_too_many_unscored(scored)
        return list(batch.rewards)

    def _report(self, scored: ScoredBatch, log_metric: Callable[[str, float], None] | None) -> None:
        if self._on_batch is not None:
            self._on_batch(scored)
        if log_metric is None:
            return
        metrics = {
            "accuracy": scored.accuracy,
            "format": scored.format_score,
            "unscored": scored.unscored,
            "reward_wait_s": scored.wait_s,
        }
        for name, value in metrics.items():
            if value is not None:
                log_metric(name, value)

    def _refuse_if_too_many_unscored(self, scored: ScoredBatch) -> None:
        if scored.unscored <= self._settings.max_unscored:
            return
        unscored = [rollout for rollout in scored.rollouts if rollout.reward is None]
        statuses = Counter(rollout.result.status for rollout in unscored)
        first = unscored[0]
        raise TooManyUnscored(
            f"{len(unscored)} of {len(scored.rollouts)} completions of a step have no reward, more than "
            f"reward.max_unscored {self._settings.max_unscored:g} "
            f"({', '.join(f'{n} {status}' for status, n in statuses.most_common())}); the first is row "
            f"{first.row_id}: {first.result.explanation or first.result.status}"
        )


def _progress(state: TrainerState | None) -> float | None:
    if state is None or state.max_steps <= 0:
        return None
    return min(1.0, state.global_step / state.max_steps)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
