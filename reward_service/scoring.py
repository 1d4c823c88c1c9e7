"""The engine behind every route: a batch goes in, an answer comes out.

Items are read and judged in the event loop, which is given back every few milliseconds; what may only run in
a process that can be killed goes to the workers, all of it at once. An item's outcome depends on that item
alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from reward_service import CONTRACT, VERSION
from reward_service.options import OptionLayers
from reward_service.problems import FieldError, Problem, invalid_fields
from reward_service.profiles import Profile, ProfileNotServed, Profiles
from reward_service.rewards import difficulty
from reward_service.rewards.reading import Reading, read, text_of
from reward_service.rewards.registry import Task
from reward_service.rewards.score import (
    JSON,
    BadField,
    InvalidReference,
    Judgement,
    Pending,
    Status,
    VerifierFailed,
    VerifierTimeout,
)
from reward_service.telemetry import Telemetry
from reward_service.wire import Batch, Item

TURN_S = 0.005  # longest time the event loop is held before other requests get a turn, plus one item

Verdict = Judgement | Pending | BaseException
Groups = Mapping[str, difficulty.GroupStatistics]

_SERVICE: Mapping[str, JSON] = {"version": VERSION, "contract": CONTRACT}


class Verifier(Protocol):
    """Runs pending work in a process that can be killed; raises VerifierTimeout or VerifierFailed."""

    async def run(self, pending: Pending) -> Judgement:
        """Give the judgement of `pending`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item. reward, accuracy: None unless the status is `scored`. body: its JSON."""

    status: Status
    reward: float | None
    accuracy: float | None
    body: bytes


class Scorer:
    """Scores batches with the served profiles."""

    def __init__(self, profiles: Profiles, verifier: Verifier, telemetry: Telemetry) -> None:
        self._profiles = profiles
        self._verifier = verifier
        self._telemetry = telemetry

    async def score(self, batch: Batch) -> bytes:
        """Score a batch and write the answer. Raises Problem: 409 for the profile, 422 for a bad field."""
        try:
            profile = self._profiles.resolve(batch.profile)
        except ProfileNotServed as error:
            raise Problem("profile-not-served", str(error)) from None
        readings, verdicts = await self._judge_all(batch, OptionLayers(batch, profile))
        await self._settle(verdicts)
        outcomes = [
            self._outcome(index, item, reading, verdict, profile)
            for index, (item, reading, verdict) in enumerate(
                zip(batch.items, readings, verdicts, strict=True)
            )
        ]
        groups = _groups(batch.items, outcomes, profile)
        self._telemetry.scored(batch.tasks, profile.major, outcomes)
        self._telemetry.groups(profile.major, [group.std for group in groups.values()])
        return _answer(outcomes, groups, profile)

    async def _judge_all(
        self, batch: Batch, layers: OptionLayers
    ) -> tuple[list[Reading | None], list[Verdict]]:
        attempt = _Attempts(layers).attempt
        readings: list[Reading | None] = []
        verdicts: list[Verdict] = []
        errors: list[FieldError] = []
        turn_ends = time.perf_counter() + TURN_S
        for index, (task, item) in enumerate(zip(batch.tasks, batch.items, strict=True)):
            reading, verdict = attempt(task, item)
            if isinstance(verdict, BadField):
                errors.append(FieldError(batch.path(index, verdict.path), verdict.message))
            readings.append(reading)
            verdicts.append(verdict)
            if time.perf_counter() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.perf_counter() + TURN_S
        if errors:
            raise invalid_fields(errors)
        return readings, verdicts

    async def _settle(self, verdicts: list[Verdict]) -> None:
        """Replace what is pending by its outcome; equal work of one batch runs once."""
        waiting = {i: verdict for i, verdict in enumerate(verdicts) if isinstance(verdict, Pending)}
        if not waiting:
            return
        distinct = list(dict.fromkeys(waiting.values()))
        settled = await asyncio.gather(*map(self._verifier.run, distinct), return_exceptions=True)
        by_work = dict(zip(distinct, settled, strict=True))
        for index, pending in waiting.items():
            verdicts[index] = by_work[pending]

    def _outcome(
        self, index: int, item: Item, reading: Reading | None, verdict: Verdict, profile: Profile
    ) -> Outcome:
        if isinstance(verdict, Judgement) and 0.0 <= verdict.accuracy <= 1.0 and reading is not None:
            return _scored(item, reading, verdict, profile)
        if not isinstance(verdict, InvalidReference | VerifierTimeout | VerifierFailed):
            self._telemetry.item_failed(index, verdict)
        return _unscored(item, reading, verdict)


class _Attempts:
    """Reads and judges items one by one. A reference that repeats the one before it is prepared once."""

    def __init__(self, layers: OptionLayers) -> None:
        self._layers = layers
        self._last: tuple[object, ...] = ()
        self._prepared: tuple[Any, Any] = (None, None)

    def attempt(self, task: Task, item: Item) -> tuple[Reading | None, Verdict]:
        """Judge one item. Here, and nowhere else, whatever a reward raises becomes a verdict on its item."""
        reading: Reading | None = None
        try:
            reading = read(text_of(item.completion))
            reference, options = self._prepare(task, item)
            return reading, task.judge(reading, reference, options)
        except Exception as error:  # noqa: BLE001  # the named boundary: one bad item never fails its neighbours
            return reading, error

    def _prepare(self, task: Task, item: Item) -> tuple[Any, Any]:
        inputs = (task.name, item.stage, item.reference, item.options)
        if inputs != self._last or not self._last:
            options = self._layers.of(task, item.stage, item.options)
            self._prepared = (task.prepare(item.reference, options), options)
            self._last = inputs
        return self._prepared


def _scored(item: Item, reading: Reading, verdict: Judgement, profile: Profile) -> Outcome:
    well_formed = reading.formatted and verdict.well_formed
    components = {"accuracy": float(verdict.accuracy), "format": 1.0 if well_formed else 0.0}
    reward = profile.reward(components)
    result = {
        "id": item.id,
        "reward": reward,
        "status": "scored",
        "components": components,
        "answer": verdict.answer,
        "explanation": verdict.explanation,
    }
    return Outcome("scored", reward, components["accuracy"], _written(result, reading.answer))


def _unscored(item: Item, reading: Reading | None, verdict: Verdict) -> Outcome:
    status: Status = "error"
    if isinstance(verdict, InvalidReference):
        status = "invalid_reference"
    elif isinstance(verdict, VerifierTimeout):
        status = "verifier_timeout"
    answer = reading.answer if reading else None
    result = {"id": item.id, "reward": None, "status": status, "components": {}, "answer": answer}
    if status == "error":
        result["retryable"] = isinstance(verdict, VerifierFailed)
    known = isinstance(verdict, InvalidReference | VerifierTimeout | VerifierFailed)
    result["explanation"] = (
        str(verdict) if known else "The service failed on this item; its log has the cause."
    )
    return Outcome(status, None, None, _written(result, answer))


def _written(result: dict[str, JSON], answer_text: str | None) -> bytes:
    """Write a result. An answer that JSON cannot carry (a lone surrogate, 100 digits) is given as text."""
    try:
        return orjson.dumps(result)
    except TypeError:
        explanation = str(result["explanation"]).encode("utf-8", "replace").decode()
        return orjson.dumps({**result, "answer": answer_text, "explanation": explanation})


def _groups(items: Sequence[Item], outcomes: Sequence[Outcome], profile: Profile) -> Groups:
    described = [
        difficulty.GroupItem(item.group, outcome.reward, outcome.accuracy, item.difficulty)
        for item, outcome in zip(items, outcomes, strict=True)
        if item.group is not None
    ]
    return difficulty.group_statistics(
        described, pass_accuracy=profile.pass_accuracy, group_weight=profile.group_weight
    )


def _answer(outcomes: Sequence[Outcome], groups: Groups, profile: Profile) -> bytes:
    return orjson.dumps(
        {
            "rewards": [outcome.reward for outcome in outcomes],
            "results": [orjson.Fragment(outcome.body) for outcome in outcomes],
            "groups": groups,
            "profile": {"name": profile.name, "version": profile.version, "digest": profile.digest},
            "service": _SERVICE,
        }
    )
