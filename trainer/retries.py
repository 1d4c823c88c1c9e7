"""When to ask the service again: full jitter, Retry-After honoured, one budget for all that a batch needs.

| what came                                              | what follows                                     |
|--------------------------------------------------------|--------------------------------------------------|
| connection refused, reset, closed early, timed out     | again, within the budget                         |
| 408, 429, 5xx, a body that is not JSON                 | again, not before Retry-After, within the budget |
| JSON that breaks the contract (short, reordered, NaN)  | twice more, then ContractMismatch                |
| a result `error` that says it is retryable             | the item and its group again, at most 3 times    |
| 413 for a batch of several items                       | the batch in halves                              |
| any other 4xx                                          | ServiceRefused at once                           |
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception_type

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 15.0
BROKEN_ATTEMPTS = 3
"""Attempts before an answer that breaks the contract is held to be the service's fault, not the line's."""


@dataclass(frozen=True, slots=True)
class Time:
    """The clock (seconds, never going back) and the sleep that waits use; tests pass their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class NotNow(Exception):
    """This attempt brought nothing of use, the next may. `retry_after_s` is the service's own wish."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class BrokenAnswer(NotNow):
    """The answer is JSON but not what the contract promises."""


class Budget:
    """Seconds in which a batch must have its answer, waits and repeated attempts included."""

    def __init__(self, seconds: float, time: Time) -> None:
        self.seconds = seconds
        self._time = time
        self._ends = time.now() + seconds

    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self._ends - self._time.now())

    def pause(self, attempt: int) -> None:
        """Wait a random time that grows with `attempt` (from 1), at most what is left."""
        self._time.sleep(min(full_jitter(attempt), self.left()))

    def attempts(self) -> Retrying:
        """Return the attempts of one request: NotNow is tried again until the budget ends, then raised."""
        return Retrying(
            retry=retry_if_exception_type(NotNow),
            wait=self._wait,
            stop=self._stop,
            sleep=self._time.sleep,
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        wish = _wish(state)
        return wish + min(full_jitter(state.attempt_number), max(0.0, self.left() - wish))

    def _stop(self, state: RetryCallState) -> bool:
        broken = isinstance(_failure(state), BrokenAnswer) and state.attempt_number >= BROKEN_ATTEMPTS
        return broken or self.left() <= _wish(state)


def full_jitter(attempt: int) -> float:
    """Return a wait in seconds, uniform between 0 and a bound that doubles with each attempt (from 1)."""
    bound = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt, 30))
    return random.uniform(0.0, bound)  # spreads the load; nothing secret


def retry_after_seconds(value: str | None, wall_clock: float) -> float:
    """Read a Retry-After header (seconds or HTTP date) as seconds from `wall_clock`; 0 where unreadable."""
    if value is None:
        return 0.0
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - wall_clock)
    except (TypeError, ValueError):
        return 0.0


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _wish(state: RetryCallState) -> float:
    failure = _failure(state)
    return failure.retry_after_s if isinstance(failure, NotNow) else 0.0
