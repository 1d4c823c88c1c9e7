"""Every setting of the service: environment variables with the prefix `REWARD_`, read once at start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reward_service.errors import StartError

MIB = 1024 * 1024


def _default_verifier_processes() -> int:
    return max(1, min(4, os.cpu_count() or 1))


class Settings(BaseSettings):
    """The service's settings; each field is the variable `REWARD_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="REWARD_", frozen=True, extra="ignore", allow_inf_nan=False)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 takes a free one and prints it")
    workers: int = Field(1, ge=1, le=64, description="server processes that share the port")
    profiles_dir: Path | None = Field(None, description="folder with more profiles (*.json)")
    max_body_bytes: int = Field(32 * MIB, ge=1024, description="longest request body, in bytes (413 above)")
    max_concurrent_requests: int = Field(
        1024, ge=1, description="scoring requests taken at a time, per server process (503 above)"
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="comma-separated keys; when set, scoring and the catalogue need one as a bearer token"
    )
    verifier_processes: int = Field(
        default_factory=_default_verifier_processes,
        ge=1,
        le=64,
        description="killable processes for symbolic maths, per server process; default: cores, at most 4",
    )
    verifier_timeout_s: float = Field(
        5.0, gt=0, le=600, description="execution budget of one verification, in seconds"
    )
    verifier_memory_bytes: int = Field(
        1024 * MIB, ge=256 * MIB, description="address space of one verifier process, in bytes"
    )
    drain_s: float = Field(
        0.0, ge=0, le=600, description="seconds between SIGTERM (not ready) and closing the port"
    )
    shutdown_grace_s: int = Field(
        30, ge=0, le=3600, description="seconds that requests in flight get to finish"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe event logged"
    )

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(key.strip() for key in value.split(",") if key.strip())

    @field_validator("profiles_dir")
    @classmethod
    def _is_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"expected a folder, {value} is none")
        return value


class BadSettings(StartError):
    """A setting is out of range or malformed; the message names the variable and what came."""


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` (of the command line) that are not None win.

    Raises BadSettings with one line that names each bad variable.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic validates what the command line gave
    except ValidationError as error:
        raise BadSettings(
            "; ".join(_line(detail["loc"], detail["msg"]) for detail in error.errors())
        ) from None


def _line(location: tuple[int | str, ...], message: str) -> str:
    """One bad setting in words; its value is left out, since it may be a key."""
    return f"REWARD_{str(location[0]).upper()}: {message}"
