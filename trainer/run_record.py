"""Reads a run folder for the report: configuration, versions, metrics, sample rollouts and evaluations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from trainer.errors import DataError
from trainer.results import JSON, Evaluation, load_evaluation

BASE, FINAL = "base", "final"

Line = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as its folder tells it; parts that the run has not written yet are empty.

    `evaluations` holds base first and final last.
    """

    folder: Path
    name: str
    config_text: str
    versions: Mapping[str, JSON]
    metrics: tuple[Line, ...]
    rollouts: tuple[Line, ...]
    evaluations: Mapping[str, Evaluation]


def read_run(folder: Path) -> RunRecord:
    """Read a run folder; DataError where it is none (it has no config.yaml) or a file is damaged."""
    config = folder / "config.yaml"
    if not config.is_file():
        raise DataError(f"{folder}: not a run folder, it has no config.yaml")
    text = config.read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    name = settings.get("name", folder.name) if isinstance(settings, dict) else folder.name
    versions = folder / "versions.json"
    return RunRecord(
        folder=folder,
        name=str(name),
        config_text=text,
        versions=json.loads(versions.read_text(encoding="utf-8")) if versions.is_file() else {},
        metrics=_lines(folder / "metrics.jsonl"),
        rollouts=_lines(folder / "rollouts.jsonl"),
        evaluations=_evaluations(folder / "evaluation"),
    )


def numbers(lines: tuple[Line, ...], key: str) -> list[float | None]:
    """Return one value per line, None where the line has no number under `key`."""
    values = [line.get(key) for line in lines]
    return [float(v) if isinstance(v, int | float) and not isinstance(v, bool) else None for v in values]


def _lines(path: Path) -> tuple[Line, ...]:
    """Read a JSONL file; a last line without its end, which a killed run was writing, is left out."""
    if not path.is_file():
        return ()
    complete = path.read_text(encoding="utf-8").split("\n")[:-1]
    try:
        return tuple(json.loads(line) for line in complete if line.strip())
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: a line is not JSON: {error}") from None


def _evaluations(folder: Path) -> Mapping[str, Evaluation]:
    labels = sorted(path.stem for path in folder.glob("*.json"))
    order = sorted(labels, key=lambda label: (label != BASE, label == FINAL, label))
    return {label: load_evaluation(folder, label) for label in order}
