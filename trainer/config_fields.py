"""The kinds of field that a run configuration is made of, and the strict base of its models."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from trainer.data.sampling import parse_sampling

PACKAGE_PREFIX = "package:"
PACKAGE_FOLDER = Path(__file__).resolve().parent

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0)]
FolderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


def near_matches(name: str, known: list[str]) -> str:
    """Return a hint naming known names close to `name`, or all of them where they are few, else ""."""
    close = difflib.get_close_matches(name, known, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"expected one of {', '.join(known)}" if len(known) <= 16 else ""


def _resolved(path: Path, info: ValidationInfo) -> Path:
    if str(path).startswith(PACKAGE_PREFIX):
        return PACKAGE_FOLDER / str(path).removeprefix(PACKAGE_PREFIX)
    base = (info.context or {}).get("base")
    return path if base is None else Path(base, path.expanduser()).resolve()


def _model_path(path: str, info: ValidationInfo) -> str:
    """A folder that exists becomes absolute; anything else is left as the name of a model on the hub."""
    resolved = _resolved(Path(path), info)
    is_local = path.startswith((PACKAGE_PREFIX, ".", "/", "~")) or resolved.exists()
    return str(resolved) if is_local else path


def _reward_url(url: str) -> str:
    TypeAdapter(HttpUrl).validate_python(url)
    return url.rstrip("/")


def _known_sampling(text: str | None) -> str | None:
    parse_sampling(text)
    return text


ProfileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(@[0-9]+)?$")]
ModelPath = Annotated[str, AfterValidator(_model_path), Field(min_length=1)]
RewardUrl = Annotated[str, AfterValidator(_reward_url)]
InputPath = Annotated[Path, AfterValidator(_resolved)]
Sample = Annotated[str | None, AfterValidator(_known_sampling)]
"""A sampling strategy of `trainer.data.sampling`: first:N, end:N, random:N, a percentage; null takes all."""


class Strict(BaseModel):
    """Frozen, finite numbers alone, and an unknown field is an error that names those close to it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_fields(cls, fields: object) -> object:
        if isinstance(fields, Mapping):
            known = list(cls.model_fields)
            unknown = [
                f"unknown field {n!r}, {near_matches(str(n), known)}" for n in fields if n not in known
            ]
            if unknown:
                raise PydanticCustomError("unknown_field", "{text}", {"text": "; ".join(unknown)})
        return fields


def refuse_repeated(names: list[str], field: str) -> None:
    """Raise the error of a validator where two of `names` are equal; `field` says what they name."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise PydanticCustomError(
            "repeated", "{text}", {"text": f"{field}: two are named {', '.join(repeated)}; names must differ"}
        )
