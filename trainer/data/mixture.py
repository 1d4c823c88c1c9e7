"""Mixture lists: which JSONL files a data source names, and which of their rows take part.

A source is a JSONL file itself, or a YAML list as Curr-ReFT has it (paths are relative to the YAML file):

    datasets:
      - json_path: detection.jsonl
        sampling_strategy: first:1000     # see trainer.data.sampling
        data_root: images                 # optional: where the images lie
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from trainer.config import DataSource
from trainer.data.sampling import Sampling, parse_sampling
from trainer.errors import DataError

JSON = str | int | float | bool | None | list["JSON"] | dict[str, "JSON"]

_ENTRY_FIELDS = {"json_path", "sampling_strategy", "data_root"}


@dataclass(frozen=True, slots=True)
class File:
    """A JSONL file: where its images lie, which of its rows take part and how often they count."""

    path: Path
    data_root: Path
    sampling: Sampling
    weight: float


def files_of(source: DataSource) -> Iterator[File]:
    """Yield the JSONL files of a source; a fault in a mixture list is a DataError naming file and entry."""
    path, weight = Path(source.path), 1.0 if source.weight is None else source.weight
    if path.suffix not in {".yaml", ".yml"}:
        yield File(path, path.parent, _sampling(source.sample, str(path)), weight)
        return
    for place, entry in enumerate(_mixture_entries(path)):
        where = f"{path}: datasets[{place}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("json_path"), str):
            raise DataError(f"{where}: expected a mapping with json_path (a JSONL file), got {entry!r}")
        unknown = set(entry) - _ENTRY_FIELDS
        if unknown:
            raise DataError(f"{where}: unknown fields {', '.join(sorted(unknown))}")
        own = path.parent / str(entry["json_path"])
        root = path.parent / str(entry["data_root"]) if "data_root" in entry else own.parent
        yield File(own, root, _sampling(entry.get("sampling_strategy"), where), weight)


def _mixture_entries(path: Path) -> list[JSON]:
    try:
        document = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise DataError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    entries = document.get("datasets") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: expected a mixture list, `datasets:` with at least one entry")
    return entries


def _sampling(text: JSON, where: str) -> Sampling:
    try:
        return parse_sampling(None if text is None else str(text))
    except ValueError as error:
        raise DataError(f"{where}: sampling strategy: {error}") from None


def read_text(path: Path) -> str:
    """Return a text file's content; DataError where it is missing, unreadable or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
