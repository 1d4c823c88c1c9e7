"""Checks the `grpo` fields of a run against TRL's own list. Importing TRL takes seconds: this comes late."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from trainer.config import RunConfig
from trainer.config_fields import near_matches
from trainer.errors import ConfigError

_NUMBERS = frozenset({int, float, bool, int | None, float | None, bool | None})


def check_grpo_fields(config: RunConfig) -> None:
    """Raise ConfigError for the first field that GRPOConfig does not have, or whose number is none.

    What values mean together is for TRL to say, once the arguments of a stage are built.
    """
    from trl.trainer.grpo_config import GRPOConfig

    hints = typing.get_type_hints(GRPOConfig)
    known = {field.name: hints[field.name] for field in dataclasses.fields(GRPOConfig) if field.init}
    _check("grpo", config.grpo, known)
    for place, stage in enumerate(config.stages):
        _check(f"stages[{place}].grpo", stage.grpo, known)


def _check(where: str, fields: Mapping[str, JsonValue], known: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name not in known:
            hint = near_matches(name, list(known)) or "see TRL's GRPOConfig"
            raise ConfigError(f"{where}: unknown field {name!r} of TRL's GRPOConfig; {hint}")
        if known[name] in _NUMBERS:
            _check_number(f"{where}.{name}", value, known[name])


def _check_number(where: str, value: JsonValue, kind: Any) -> None:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        expected = error.errors(include_url=False)[0]["msg"].removeprefix("Input should be ")
        raise ConfigError(f"{where}: expected {expected}, got {value!r}") from None
