"""Reads an answer and checks it against what was asked, before any number of it is used."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import ValidationError

from trainer.errors import ContractMismatch
from trainer.retries import BrokenAnswer, NotNow
from trainer.wire import CONTRACT, Answer, Item, ItemResult, ServiceIdentity


def read_answer(content: bytes, items: Sequence[Item], profile: str) -> Answer:
    """Return the answer to `items`, scored with `profile` (name or name@major).

    Raises NotNow where it is not JSON (a proxy's page, cut short), BrokenAnswer where shape, length, order or
    a number is not what the contract promises, ContractMismatch where another contract or profile answered.
    """
    answer = _parsed(content)
    check_contract(answer.service)
    _check_profile(answer, profile)
    if len(answer.results) != len(items) or len(answer.rewards) != len(items):
        came = f"{len(answer.results)} results and {len(answer.rewards)} rewards"
        raise BrokenAnswer(f"{len(items)} items were sent, {came} came")
    for place, (item, result, reward) in enumerate(zip(items, answer.results, answer.rewards, strict=True)):
        _check_result(place, item, result, reward)
    return answer


def check_contract(service: ServiceIdentity) -> None:
    """Raise ContractMismatch where the service speaks another major version of the wire."""
    if service.contract.split(".")[0] != CONTRACT:
        raise ContractMismatch(
            f"service {service.version} speaks contract {service.contract}, this trainer speaks {CONTRACT}; "
            "update whichever is older"
        )


def _parsed(content: bytes) -> Answer:
    try:
        return Answer.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        raise NotNow(f"the answer is not JSON: it begins with {content[:60]!r}")
    where = ".".join(map(str, first["loc"]))
    raise BrokenAnswer(f"the answer's {where}: {first['msg']}")


def _check_profile(answer: Answer, wanted: str) -> None:
    name, _, major = wanted.partition("@")
    came = answer.profile
    if came.name != name or (major and came.version.split(".")[0] != major):
        raise ContractMismatch(f"profile {wanted} was asked for, {came.name} {came.version} scored")


def _check_result(place: int, item: Item, result: ItemResult, reward: float | None) -> None:
    if result.id != item.id:
        raise BrokenAnswer(f"result {place} is of item {result.id!r}, expected {item.id!r}")
    numbers = [reward, result.reward, *result.components.values()]
    if any(number is not None and not math.isfinite(number) for number in numbers):
        raise BrokenAnswer(f"result {place} holds a number that is not finite")
    if reward != result.reward:
        raise BrokenAnswer(f"rewards[{place}] is {reward}, its result says {result.reward}")
