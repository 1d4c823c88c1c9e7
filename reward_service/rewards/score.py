"""What a reward says about one completion, and the ways it may refuse to say it.

A reward is a pure function from a reading and a reference to a `Judgement`. A wrong, missing or unreadable answer
is a judgement of accuracy 0. What cannot be judged raises one of the errors below, each with one meaning:

    RewardError
    |-- BadField          the request has the wrong shape: the whole request is refused (422)
    |-- InvalidReference  well-formed, but the reference means nothing: status `invalid_reference`
    |-- VerifierTimeout   the verifier's own budget ran out on this input: status `verifier_timeout`
    `-- VerifierFailed    a worker died or a backend is out of reach: status `error`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

JSON = Mapping[str, "JSON"] | Sequence["JSON"] | str | int | float | bool | None
Status = Literal["scored", "verifier_timeout", "invalid_reference", "error"]


class RewardError(Exception):
    """Base of everything a reward raises on purpose."""


class BadField(RewardError):
    """A field of the item has the wrong shape or is missing; `path` is relative to the item (`options.image_size`)."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class InvalidReference(RewardError):
    """The reference is well-formed but nothing can be compared with it."""


class VerifierTimeout(RewardError):
    """The verifier's execution budget ran out on this input."""


class VerifierFailed(RewardError):
    """The verifier could not answer; the same item may succeed when it is sent again."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one completion.

    accuracy: in [0, 1]. answer: what was read from the completion, as JSON. explanation: one sentence.
    well_formed: whether the answer has the shape the task asks for; it joins the tags in the format component.
    """

    accuracy: float
    answer: JSON
    explanation: str
    well_formed: bool = True


@dataclass(frozen=True, slots=True)
class Pending:
    """Work that may only run in a process that can be killed.

    function: importable at module level, so that a worker process can receive it; it returns a `Judgement` or
    raises a `RewardError`. arguments: picklable and hashable, also the key under which the outcome is cached.
    """

    function: Callable[..., Judgement]
    arguments: tuple[object, ...]
