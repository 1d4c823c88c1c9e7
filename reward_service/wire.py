"""The wire: what requests may look like and what answers do look like. Here alone pydantic meets the rewards.

Requests are validated strictly (no bool for a number, no "3" for 3, no NaN, no unknown field) and in one pass
from the raw body. Each task's models are derived from its line in the registry, so a new reward needs no line
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union, get_type_hints

from annotated_types import Ge, Le, Len
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    create_model,
    with_config,
)
from typing_extensions import TypedDict

from reward_service.field_errors import field_errors
from reward_service.problems import FieldError, Problem, invalid_fields
from reward_service.rewards.registry import TASKS, Task
from reward_service.rewards.score import JSON

MAX_ITEMS = 4096
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
_FOREIGN = ConfigDict(strict=True, extra="ignore")  # of formats that are not ours

Stage = Literal["binary", "choice", "open"]
Fraction = Annotated[float, Ge(0), Le(1)]
ItemId = Annotated[int, Ge(-(2**63)), Le(2**63 - 1)] | str
Batched = Len(1, MAX_ITEMS)


@with_config(_FOREIGN)
class ContentPart(TypedDict, total=False):
    """A part of a message's content; parts of type `text` are read, others (images) are ignored."""

    type: str
    text: str


@with_config(_FOREIGN)
class Message(TypedDict):
    """A chat message; what is neither role nor content is ignored, since it is the chat format's own."""

    role: str
    content: str | list[ContentPart] | None


Completion = str | list[Message]


class Item(BaseModel):
    """One completion to be scored against its reference. Ids need not be unique."""

    model_config = STRICT

    completion: Completion = Field(
        description="the text, or a conversation whose last assistant message is read"
    )
    reference: Any
    options: Any = None
    id: ItemId | None = Field(None, description="given back with the result")
    group: str | None = Field(
        None, description="items with the same group are described together in `groups`"
    )
    stage: Stage | None = Field(None, description="format of the task; the profile may set options by it")
    difficulty: Fraction | None = Field(None, description="a prior, say from the data set")


class _Request(BaseModel):
    model_config = STRICT

    profile: Annotated[str, Len(1, 200)] | None = Field(
        None, description="`name` or `name@major`; null means `default`"
    )
    options: Any = None
    progress: Fraction | None = Field(None, description="training progress, for schedules of a profile")


class ItemsRequest(_Request):
    """A batch of items."""

    items: list[Any]


class ColumnsRequest(_Request):
    """The same batch as lists of equal length, as a reward function of TRL holds them."""

    completions: Annotated[list[Completion], Batched]
    references: list[Any]
    groups: list[str | None] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A valid batch. tasks: of each item. columns: whether it came as columns. mixed: by the mixed route."""

    items: Sequence[Item]
    tasks: Sequence[Task]
    profile: str
    options: Mapping[str, JSON]
    progress: float | None
    columns: bool = False
    mixed: bool = False

    def path(self, index: int, field: str) -> str:
        """Path in the request of `field` (`reference.boxes[0]`, `options.mode`) of the item at `index`."""
        if not self.columns:
            return f"items[{index}].{field}"
        return (
            f"references[{index}]{field.removeprefix('reference')}"
            if field.startswith("reference")
            else field
        )


@dataclass(frozen=True, slots=True)
class Requests:
    """The forms of a route's request. The mixed route has neither task nor columns: items name theirs."""

    task: Task | None
    items: type[ItemsRequest]
    columns: type[ColumnsRequest] | None

    def decode(self, body: bytes) -> Batch:
        """Validate a raw body. Raises Problem: 400 if it is no JSON, 422 with the path of every bad field."""
        try:
            return self._from_items(self.items.__pydantic_validator__.validate_json(body))
        except ValidationError as error:
            if self.task is None or self.columns is None or not _is_column_form(error):
                raise _refusal(error, body) from None
        try:
            return _from_columns(self.task, self.columns.__pydantic_validator__.validate_json(body))
        except ValidationError as error:
            raise _refusal(error, body) from None

    def _from_items(self, request: ItemsRequest) -> Batch:
        items = request.items
        tasks = [TASKS[item.task] for item in items] if self.task is None else [self.task] * len(items)
        profile, options = request.profile or "default", request.options or {}
        return Batch(items, tasks, profile, options, request.progress, mixed=self.task is None)


def _from_columns(task: Task, request: ColumnsRequest) -> Batch:
    size = len(request.completions)
    groups = [None] * size if request.groups is None else request.groups
    uneven = [
        FieldError(name, f"expected {size} entries, one per completion, got {len(column)}")
        for name, column in (("references", request.references), ("groups", groups))
        if len(column) != size
    ]
    if uneven:
        raise invalid_fields(uneven)
    items = [
        Item.model_construct(completion=completion, reference=reference, group=group)
        for completion, reference, group in zip(request.completions, request.references, groups, strict=True)
    ]
    profile, options = request.profile or "default", request.options or {}
    return Batch(items, [task] * size, profile, options, request.progress, columns=True)


def _is_column_form(error: ValidationError) -> bool:
    found = {
        (detail["type"], detail["loc"]) for detail in error.errors(include_url=False, include_input=False)
    }
    return ("missing", ("items",)) in found and ("extra_forbidden", ("completions",)) in found


def _refusal(error: ValidationError, body: bytes) -> Problem:
    for detail in error.errors(include_url=False, include_input=False):
        if detail["type"] == "json_invalid":
            return Problem("malformed-json", detail["msg"].removeprefix("Invalid JSON: "))
    return invalid_fields(field_errors(error, body))


def options_fields(task: Task) -> Mapping[str, object]:
    """The type of each option of `task`, with its default for the schema; all of them may be left out."""
    hints = get_type_hints(task.options, include_extras=True)
    return {
        field.name: Annotated[
            hints[field.name],
            Field(json_schema_extra=None if field.default is MISSING else {"default": field.default}),
        ]
        for field in fields(task.options)
    }


def _some_options(task: Task) -> Any:
    """A TypedDict of the options that are given; it stays a plain dict, so that layers can be merged."""
    name, options = f"{task.title}Options", dict(options_fields(task))
    given = TypedDict(name, options, total=False)  # type: ignore[misc]  # name and fields are data
    given.__doc__ = (
        f"Options of {task.name}; what is left out comes from the profile, then from these defaults."
    )
    return with_config(STRICT)(given)


SOME_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {name: _some_options(task) for name, task in TASKS.items()}
)
OPTION_LAYERS: Mapping[str, TypeAdapter[Any]] = MappingProxyType(
    {name: TypeAdapter(some) for name, some in SOME_OPTIONS.items()}
)


def _item_model(task: Task, *, mixed: bool = False) -> type[Item]:
    named: Any = {"task": (Literal[task.name], ...)} if mixed else {}
    return create_model(
        f"Mixed{task.title}Item" if mixed else f"{task.title}Item",
        __base__=Item,
        __doc__=f"{Item.__doc__} {task.summary}",
        reference=(task.shape, ...),
        options=(SOME_OPTIONS[task.name] | None, None),
        **named,
    )


def _requests(task: Task) -> Requests:
    layer: Any = SOME_OPTIONS[task.name] | None
    shared: Any = {"options": (layer, Field(None, description="for all items; an item's own options win"))}
    item: Any = _item_model(task)
    shape: Any = task.shape
    return Requests(
        task,
        create_model(f"{task.title}Request", __base__=ItemsRequest, items=_batch_of(item), **shared),
        create_model(
            f"{task.title}Columns", __base__=ColumnsRequest, references=(list[shape], ...), **shared
        ),
    )


def _mixed_requests() -> Requests:
    members = [_item_model(task, mixed=True) for task in TASKS.values()]
    item: Any = Annotated[Union[tuple(members)], Field(discriminator="task")]  # noqa: UP007  # members are data
    note = "for all items whose task knows them; an item's own options win"
    options: Any = (dict[str, JsonValue] | None, Field(None, description=note))
    return Requests(
        None,
        create_model("MixedRequest", __base__=ItemsRequest, items=_batch_of(item), options=options),
        None,
    )


def _batch_of(item: Any) -> Any:
    return (Annotated[list[item], Batched], ...)


MIXED = _mixed_requests()
BY_TASK: Mapping[str, Requests] = MappingProxyType({name: _requests(task) for name, task in TASKS.items()})
