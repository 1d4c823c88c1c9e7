"""Profiles: named, versioned, hashed data that say how components become a reward.

A profile is a JSON file. The shipped ones lie in this folder, an operator mounts more with
`REWARD_PROFILES_DIR`. Weights multiply the components; `options` are layers over the defaults of each task,
`stages` further layers that count for items of that stage. The digest covers the file's content, not its
layout.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import BaseModel, Field, StringConstraints, ValidationError, create_model

from reward_service.errors import StartError
from reward_service.field_errors import field_errors
from reward_service.rewards.difficulty import GroupWeight
from reward_service.rewards.score import JSON
from reward_service.wire import SOME_OPTIONS, STRICT

Layer = Mapping[str, Mapping[str, JSON]]  # task -> options


class BadProfile(StartError):
    """A profile file cannot be used; the message names the file, the field and what was expected."""


class ProfileNotServed(Exception):
    """No served profile has that name and major; the message names those that are served."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of a profile. weights: component -> factor. pass_accuracy: least accuracy that passes."""

    name: str
    version: str
    digest: str
    summary: str
    source: str
    weights: Mapping[str, float]
    options: Layer
    stages: Mapping[str, Layer]
    pass_accuracy: float
    group_weight: GroupWeight

    @property
    def major(self) -> str:
        """What a client pins: `curr-reft@1`."""
        return f"{self.name}@{self.version.split('.')[0]}"

    def layers(self, task: str, stage: str | None) -> Sequence[Mapping[str, JSON]]:
        """The profile's own layers of options for `task`, the weaker one first."""
        staged = self.stages.get(stage, {}) if stage else {}
        return [layer[task] for layer in (self.options, staged) if task in layer]

    def reward(self, components: Mapping[str, float]) -> float:
        """Sum of weight x component, over the components in the order of the weights."""
        return sum(self.weights[name] * value for name, value in components.items())


class _Weights(BaseModel):
    model_config = STRICT
    accuracy: Annotated[float, Ge(-1000), Le(1000)]
    format: Annotated[float, Ge(-1000), Le(1000)]


_Options: Any = create_model(
    "_Options", __config__=STRICT, **{n: (t, Field({}, alias=n)) for n, t in SOME_OPTIONS.items()}
)


class _Stage(BaseModel):
    model_config = STRICT
    options: _Options = Field(default_factory=_Options)


class _File(BaseModel):
    model_config = STRICT
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    version: Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}$")]
    summary: str
    source: str
    weights: _Weights
    options: _Options = Field(default_factory=_Options)
    stages: dict[Literal["binary", "choice", "open"], _Stage] = Field(default_factory=dict)
    pass_accuracy: Annotated[float, Ge(0), Le(1)] = 0.5
    group_weight: GroupWeight = "cosine"


def _layer(options: BaseModel) -> Layer:
    return MappingProxyType({n: options.__dict__[n] for n in SOME_OPTIONS if options.__dict__[n]})


def read_profile(body: bytes, origin: str) -> Profile:
    """Read one profile. Raises BadProfile naming `origin` and every bad field."""
    try:
        file = _File.model_validate_json(body)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise BadProfile(f"{origin}: {error.errors()[0]['msg']}") from None
        lines = [f"{found.path}: {found.message}" for found in field_errors(error, body)]
        raise BadProfile(f"{origin}: {'; '.join(lines)}") from None
    canonical = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Profile(
        name=file.name,
        version=file.version,
        digest=f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}",
        summary=file.summary,
        source=file.source,
        weights=MappingProxyType(file.weights.model_dump()),
        options=_layer(file.options),
        stages=MappingProxyType({name: _layer(stage.options) for name, stage in file.stages.items()}),
        pass_accuracy=file.pass_accuracy,
        group_weight=file.group_weight,
    )


class Profiles:
    """The served profiles; a name means its highest version, `name@major` the highest one of that major."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.all: Sequence[Profile] = sorted(profiles, key=lambda each: (each.name, _numbers(each.version)))
        self._by_pin: dict[str, Profile] = {}
        seen: set[tuple[str, str]] = set()
        for profile in self.all:
            if (profile.name, profile.version) in seen:
                raise BadProfile(f"profile {profile.name} {profile.version} is defined twice")
            seen.add((profile.name, profile.version))
            self._by_pin[profile.name] = self._by_pin[profile.major] = profile

    def resolve(self, pin: str) -> Profile:
        """Find `name` or `name@major`. Raises ProfileNotServed, which names what is served."""
        if pin in self._by_pin:
            return self._by_pin[pin]
        name = pin.split("@")[0]
        majors = sorted({profile.major for profile in self.all if profile.name == name})
        served = majors or sorted({profile.major for profile in self.all})
        raise ProfileNotServed(f"profile {pin[:60]!r} is not served; served: {', '.join(served)}")


def load_profiles(folder: Path | None = None) -> Profiles:
    """Load the shipped profiles and those in `folder`. Raises BadProfile."""
    places = [importlib.resources.files(__name__), *([folder] if folder else [])]
    files = [file for place in places for file in place.iterdir() if file.name.endswith(".json")]
    return Profiles(read_profile(file.read_bytes(), str(file)) for file in sorted(files, key=str))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
