"""Layers of options, the later one wins: task defaults, profile, profile's stage, request, item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from reward_service.field_errors import field_errors
from reward_service.problems import FieldError, invalid_fields
from reward_service.profiles import Profile
from reward_service.rewards.registry import Task
from reward_service.rewards.score import JSON
from reward_service.wire import OPTION_LAYERS, Batch


class OptionLayers:
    """The options of the items of one batch; what items share is merged once."""

    def __init__(self, batch: Batch, profile: Profile) -> None:
        self._profile = profile
        self._request = _request_layers(batch)
        self._merged: dict[tuple[str, str | None], tuple[Mapping[str, JSON], Any]] = {}

    def of(self, task: Task, stage: str | None, own: Mapping[str, JSON] | None) -> Any:
        """The options object of an item: an instance of the task's own dataclass."""
        key = (task.name, stage)
        if key not in self._merged:
            merged: dict[str, JSON] = {}
            for layer in (*self._profile.layers(task.name, stage), self._request.get(task.name, {})):
                merged.update(layer)
            self._merged[key] = (merged, task.options(**merged))
        shared, options = self._merged[key]
        return task.options(**{**shared, **own}) if own else options


def _request_layers(batch: Batch) -> Mapping[str, Mapping[str, JSON]]:
    """The request's options by task. In a mixed batch each task takes those it knows; at least one must."""
    tasks = {task.name: task for task in batch.tasks}
    if not batch.options or not batch.mixed:
        return dict.fromkeys(tasks, batch.options)
    known = {name: task.options.__dataclass_fields__.keys() for name, task in tasks.items()}
    errors = [
        FieldError(
            f"options.{option}", f"expected an option of {' or '.join(sorted(tasks))}, none has this name"
        )
        for option in batch.options
        if not any(option in names for names in known.values())
    ]
    layers: dict[str, Mapping[str, JSON]] = {}
    for name, names in known.items():
        body = to_json({k: v for k, v in batch.options.items() if k in names}, inf_nan_mode="constants")
        try:
            layers[name] = OPTION_LAYERS[name].validate_json(body)
        except ValidationError as error:
            errors += [FieldError(f"options.{e.path}", e.message) for e in field_errors(error, body)]
    if errors:
        raise invalid_fields(list(dict.fromkeys(errors)))
    return layers
