"""The reward client: one request per batch, retried while it makes sense, every answer checked.

What the service could not judge stays None. What it did not answer within the budget is an error. No path
leads from a failure to a number.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from trainer.answers import check_contract, read_answer
from trainer.config import RewardConfig
from trainer.errors import ConfigError, ContractMismatch, ServiceRefused, ServiceUnreachable
from trainer.retries import BrokenAnswer, Budget, NotNow, Time
from trainer.transport import Transport
from trainer.wire import (
    MAX_ITEMS,
    Answer,
    GroupStatistics,
    Item,
    ItemResult,
    ProfileIdentity,
    ServiceIdentity,
    request_body,
)

_ITEM_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """A scored batch, in the order of its items. A reward is None where the item could not be judged.

    groups: only those whose items all travelled in one request, since statistics describe a request.
    """

    rewards: tuple[float | None, ...]
    results: tuple[ItemResult, ...]
    groups: Mapping[str, GroupStatistics]
    profile: ProfileIdentity
    service: ServiceIdentity


class RewardClient:
    """Talks to one reward service for a whole run. Close it, or use it in a `with`.

    `digests` maps profiles (`curr-reft@1`) to the digest that must score, say that of the run being resumed;
    profiles not named there are held to the digest of their first answer.
    """

    def __init__(
        self, settings: RewardConfig, *, digests: Mapping[str, str] | None = None, time: Time | None = None
    ) -> None:
        self._settings = settings
        self._time = time or Time()
        self._transport = Transport(settings.url, _api_key(settings.api_key_env), self._time)
        self._digests = dict(digests or {})
        self._max_items = MAX_ITEMS

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @property
    def digests(self) -> Mapping[str, str]:
        """The digest of each profile that has scored, by the name it was asked for."""
        return dict(self._digests)

    def version(self) -> ServiceIdentity:
        """Return what the service says it is. Asked once: no answer is ServiceUnreachable at once."""
        try:
            content = self._transport.exchange("GET", "/version", None, self._settings.timeout_s)
        except NotNow as failure:
            raise ServiceUnreachable(
                f"{self._settings.url}: no reward service answers: {failure}; start it or correct reward.url"
            ) from None
        try:
            service = ServiceIdentity.model_validate_json(content)
        except ValidationError:
            raise ContractMismatch(
                f"{self._settings.url}/version: expected version and contract of a reward service, "
                f"got {content[:60]!r}"
            ) from None
        check_contract(service)
        return service

    def score(self, items: Sequence[Item], profile: str, progress: float | None = None) -> Batch:
        """Score `items` (ids must differ) with `profile`; `progress` is the share of training done, 0 to 1.

        One request, several above 4096 items or the service's own limit. Raises ServiceUnreachable once
        `retry_budget_s` is used up, ServiceRefused and ContractMismatch at once.
        """
        if not items or len({item.id for item in items}) != len(items):
            raise ValueError("a batch needs at least one item, and ids that differ")
        budget = Budget(self._settings.retry_budget_s, self._time)
        batch = self._ask_in_parts(items, profile, progress, budget)
        for attempt in range(1, _ITEM_ROUNDS + 1):
            again = _to_ask_again(items, batch.results)
            if not again or budget.left() <= 0:
                break
            budget.pause(attempt)
            repeated = self._ask_in_parts([items[i] for i in again], profile, progress, budget)
            batch = _with_repeated(batch, again, repeated)
        return batch

    def _ask_in_parts(
        self, items: Sequence[Item], profile: str, progress: float | None, budget: Budget
    ) -> Batch:
        answers: list[Answer] = []
        rest = items
        while rest:
            part = _first_part(rest, self._max_items)
            try:
                answers.append(self._ask(part, profile, progress, budget))
            except ServiceRefused as refusal:
                if refusal.status != 413 or len(part) == 1:
                    raise
                self._max_items = len(part) // 2
                continue
            rest = rest[len(part) :]
        return _joined(answers)

    def _ask(self, items: Sequence[Item], profile: str, progress: float | None, budget: Budget) -> Answer:
        body = json.dumps(request_body(items, profile, progress), allow_nan=False).encode()
        timeout_s = self._settings.timeout_s
        number = 0
        try:
            for attempt in budget.attempts():
                with attempt:
                    number = attempt.retry_state.attempt_number
                    allowed = timeout_s if number == 1 else max(0.1, min(timeout_s, budget.left()))
                    content = self._transport.exchange("POST", "/reward", body, allowed)
                    answer = read_answer(content, items, profile)
        except BrokenAnswer as failure:
            raise ContractMismatch(f"{self._settings.url}: {failure} ({number} times)") from None
        except NotNow as failure:
            raise ServiceUnreachable(
                f"{self._settings.url}: no usable answer in {number} attempts and {budget.seconds:g} s "
                f"(reward.retry_budget_s); the last: {failure}"
            ) from None
        self._check_digest(profile, answer.profile)
        return answer

    def _check_digest(self, profile: str, came: ProfileIdentity) -> None:
        expected = self._digests.setdefault(profile, came.digest)
        if came.digest != expected:
            raise ContractMismatch(
                f"profile {profile} changed during the run: it was {expected}, now {came.digest} "
                f"(version {came.version}); rewards of two versions must not be mixed"
            )


def _api_key(variable: str) -> str | None:
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{variable}: an API key is printable ASCII; the one in the environment is not")
    return key or None


def _first_part(items: Sequence[Item], limit: int) -> Sequence[Item]:
    """Return at most `limit` items from the start, cut between two groups where one ends in time."""
    if len(items) <= limit:
        return items
    boundaries = (
        i for i in range(limit, 0, -1) if items[i].group is None or items[i].group != items[i - 1].group
    )
    return items[: next(boundaries, limit)]


def _joined(answers: Sequence[Answer]) -> Batch:
    names = [name for answer in answers for name in answer.groups]
    whole = {n: g for answer in answers for n, g in answer.groups.items() if names.count(n) == 1}
    results = tuple(result for answer in answers for result in answer.results)
    rewards = tuple(result.usable_reward() for result in results)
    return Batch(rewards, results, whole, answers[-1].profile, answers[-1].service)


def _to_ask_again(items: Sequence[Item], results: Sequence[ItemResult]) -> list[int]:
    """Return the places of items that failed for the moment, with their whole groups."""
    failed = [i for i, result in enumerate(results) if result.status == "error" and result.retryable]
    groups = {items[i].group for i in failed} - {None}
    return sorted({*failed, *(i for i, item in enumerate(items) if item.group in groups)})


def _with_repeated(batch: Batch, places: Sequence[int], repeated: Batch) -> Batch:
    """Put the repeated results in, except where one that was judged came back unjudged."""
    results = list(batch.results)
    for place, result in zip(places, repeated.results, strict=True):
        if results[place].usable_reward() is None:
            results[place] = result
    rewards = tuple(result.usable_reward() for result in results)
    groups = {**batch.groups, **repeated.groups}
    return Batch(rewards, tuple(results), groups, repeated.profile, repeated.service)
