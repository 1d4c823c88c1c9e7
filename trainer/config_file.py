"""Reads a run configuration: YAML, `key.sub=value` overrides and interpolation, then the checks."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trainer.config import RunConfig
from trainer.config_fields import PACKAGE_FOLDER, PACKAGE_PREFIX
from trainer.errors import ConfigError

_SHOWN_PROBLEMS = 5
_SHOWN_CHARACTERS = 80


def load_config(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    reward_url: str | None = None,
    output_dir: str | Path | None = None,
) -> RunConfig:
    """Read and check the configuration at `path` (`package:configs/demo.yaml` names one the trainer ships).

    An override is `field.path=value` with the value in YAML (`stages[0].max_steps=5`), which takes the place of
    what was there, mappings included; the later wins, and
    `reward_url` and `output_dir` win over both. Raises ConfigError, which names file, field, value and what
    was expected. Nothing but the file is touched: no service, no data, no model.
    """
    file = _located(path)
    document = _read(file)
    for override in overrides:
        _override(document, override)
    if reward_url is not None:
        _update(document, "reward.url", reward_url)
    _update(document, "output_dir", str(_absolute(output_dir or _output_dir(document, file))))
    try:
        fields = OmegaConf.to_container(document, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{file}: {_one_line(error)}") from None
    try:
        return RunConfig.model_validate(fields, context={"base": file.parent})
    except ValidationError as error:
        raise ConfigError(f"{file}: {problems(error)}") from None


def dump_config(config: RunConfig) -> str:
    """Return YAML that `load_config` reads back to an equal configuration, from any folder."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)


def _located(path: str | Path) -> Path:
    text = str(path)
    file = (
        PACKAGE_FOLDER / text.removeprefix(PACKAGE_PREFIX) if text.startswith(PACKAGE_PREFIX) else Path(path)
    )
    if not file.is_file():
        raise ConfigError(f"{path}: there is no such configuration file")
    return file.resolve()


def _read(file: Path) -> DictConfig:
    try:
        document = OmegaConf.load(file)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{file}{line}: not YAML: {error.problem}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"{file}: cannot be read: {_one_line(error)}") from None
    if not isinstance(document, DictConfig):
        raise ConfigError(f"{file}: expected a mapping of fields (name, model, stages, ...)")
    return document


def _override(document: DictConfig, text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"{text!r}: an override is field.path=value, say stages[0].max_steps=5")
    try:
        parsed = OmegaConf.to_container(OmegaConf.create(f"value: {value}"))
    except (yaml.YAMLError, OmegaConfBaseException):
        raise ConfigError(f"{key}: {value!r} is not YAML; quote it if it is text") from None
    _update(document, key, parsed["value"] if isinstance(parsed, dict) else None)


def _update(document: DictConfig, key: str, value: object) -> None:
    try:
        OmegaConf.update(document, key, value, merge=False)
    except (OmegaConfBaseException, ValueError, TypeError, IndexError) as error:
        raise ConfigError(f"{key}: no such field to override: {_one_line(error)}") from None


def _output_dir(document: DictConfig, file: Path) -> str:
    try:
        folder = document.get("output_dir")
    except OmegaConfBaseException as error:
        raise ConfigError(f"{file}: output_dir: {_one_line(error)}") from None
    if not isinstance(folder, str) or not folder:
        raise ConfigError(
            f"{file}: output_dir: expected the folder of the run, got {folder!r}; or give --output-dir"
        )
    return folder


def _absolute(folder: str | Path) -> Path:
    return Path(folder).expanduser().resolve()


def problems(error: ValidationError) -> str:
    """Return what is wrong on one line: field paths, what was expected, what came; the first few."""
    details = error.errors(include_url=False)
    found = [_problem(detail) for detail in details if not _follows_from_another(detail, details)]
    more = f" (and {len(found) - _SHOWN_PROBLEMS} more)" if len(found) > _SHOWN_PROBLEMS else ""
    return "; ".join(found[:_SHOWN_PROBLEMS]) + more


def _follows_from_another(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """A list is reported as too short also where its one item was refused."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in details
    )


def _problem(detail: ErrorDetails) -> str:
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in detail["loc"]).lstrip(".")
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if detail["type"] in {"unknown_field", "repeated"}:
        return f"{where}: {message}" if where else message
    if detail["type"] == "missing":
        return f"{where}: is missing"
    value = repr(detail["input"])
    shown = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "..."
    if "got" in message:
        return f"{where}: {message}"
    return f"{where}: expected {message[:1].lower()}{message[1:]}, got {shown}"


def _one_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
