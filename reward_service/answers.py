"""Answers of the service, as types: what the OpenAPI document promises, and the JSON of a scored batch."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from annotated_types import Ge, Le
from pydantic import Field, JsonValue
from typing_extensions import TypedDict

from reward_service.rewards.score import Status

Fraction = Annotated[float, Ge(0), Le(1)]


class Components(TypedDict, total=False):
    """What a reward is made of; empty where nothing was judged."""

    accuracy: Fraction
    format: Fraction


class Result(TypedDict):
    """The outcome of one item; `reward` is null unless the status is `scored`."""

    id: int | str | None
    reward: float | None
    status: Status
    components: Components
    answer: Annotated[JsonValue, Field(description="what was read from the completion")]
    explanation: str
    retryable: NotRequired[
        Annotated[bool, Field(description="with status `error`: whether sending it again may help")]
    ]


class GroupStatistics(TypedDict):
    """Statistics of the items of one group in this request; null where nothing of it was scored."""

    size: int
    scored: int
    mean: float | None
    std: Annotated[float | None, Field(description="population standard deviation of the rewards")]
    pass_rate: Fraction | None
    difficulty: Annotated[Fraction | None, Field(description="1 - pass rate")]
    weight: Annotated[
        Fraction | None, Field(description="what the group should count, by the profile's formula")
    ]
    prior: Annotated[
        Fraction | None, Field(description="mean of the priors that its items gave as `difficulty`")
    ]


class ProfileReference(TypedDict):
    """The profile version that scored."""

    name: str
    version: str
    digest: str


class Version(TypedDict):
    """The version of the service and the major of the wire it speaks."""

    version: str
    contract: Literal["1"]


class BatchAnswer(TypedDict):
    """The answer to a batch: `rewards` and `results` in the order of the items."""

    rewards: list[float | None]
    results: list[Result]
    groups: dict[str, GroupStatistics]
    profile: ProfileReference
    service: Version


class TaskEntry(TypedDict):
    """A task of the catalogue. options and reference: JSON Schema. digest: of the reward's source."""

    name: str
    version: str
    digest: str
    summary: str
    options: dict[str, JsonValue]
    reference: dict[str, JsonValue]


class ProfileEntry(ProfileReference):
    """A profile of the catalogue. pin: what a request may name to stay with this major."""

    pin: str
    summary: str
    source: str
    weights: dict[str, float]
    options: dict[str, dict[str, JsonValue]]
    stages: dict[str, dict[str, dict[str, JsonValue]]]
    pass_accuracy: float
    group_weight: str


class Catalogue(TypedDict):
    """Every task and profile that is served."""

    tasks: list[TaskEntry]
    profiles: list[ProfileEntry]
    service: Version


class State(TypedDict):
    """The state of the process."""

    status: str


class FieldProblem(TypedDict):
    """One bad field: its path in the request and what is wrong with it."""

    path: str
    message: str


class ProblemDetails(TypedDict):
    """RFC 9457 problem details. errors: the first bad fields; error_count: how many there are."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[FieldProblem]]
    error_count: NotRequired[int]
