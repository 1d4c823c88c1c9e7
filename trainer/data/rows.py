"""Rows of a data set: JSONL in Curr-ReFT's layout, read and checked before any model loads.

A line holds `problem`, `solution` (the answer, alone or in `<answer>` tags), `task` and `image` (a path,
relative to the file's folder or to the mixture entry's `data_root`), and optionally `id`, `format` (binary,
choice, open) and `choices` (a list, or texts by letter). A YAML file is a mixture list (see mixture.py).
"""

import json
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from trainer.config import DataSource, EvaluationSet
from trainer.data.images import Size, measure_images
from trainer.data.mixture import JSON, File, files_of, read_text
from trainer.data.sampling import Sampling, chosen
from trainer.errors import DataError

Format = Literal["binary", "choice", "open"]

CURR_REFT_TASKS = frozenset({"detection", "classify", "math", "coco_vqa"})
"""Tasks of the published data; a run's routes may add more."""


@dataclass(frozen=True, slots=True)
class Row:
    """One problem with its reference. `source` is "file:line", `image_size` is (width, height) in pixels."""

    id: str
    problem: str
    solution: str
    task: str
    image: Path
    image_size: Size
    format: Format
    choices: Mapping[str, str] | None
    source: str


@dataclass(frozen=True, slots=True)
class _Line:
    source: str
    default_id: str
    data_root: Path
    fields: Mapping[str, JSON]


def load_rows(
    sources: Sequence[DataSource], default_format: Format, seed: int, tasks: Collection[str] = ()
) -> list[Row]:
    """Read the rows of all sources, in the order of the sources and their lines.

    `tasks` are names allowed beside CURR_REFT_TASKS. `seed` decides what `random:N` draws. Every image is
    decoded once. A source's weight w repeats its rows: 2 twice, 0.5 half of them (drawn from the seed).
    Raises DataError, which names file and line, for the first fault found.
    """
    lines = [line for source in sources for file in files_of(source) for line in _sample(file, seed)]
    images = [_image_path(line) for line in lines]
    sizes = measure_images(images)
    known = CURR_REFT_TASKS | set(tasks)
    rows = []
    for line, image in zip(lines, images, strict=True):
        size = sizes[image]
        if isinstance(size, str):
            raise DataError(f"{line.source}: image {image} cannot be read: {size}")
        rows.append(_row(line, image, size, default_format, known))
    return rows


def load_set(own: EvaluationSet, seed: int, tasks: Collection[str] = ()) -> list[Row]:
    """Read the rows of an evaluation set, as `load_rows` does."""
    return load_rows([DataSource(path=own.path, sample=own.sample)], own.format, seed, tasks)


def _sample(file: File, seed: int) -> Iterator[_Line]:
    """Yield the lines of a file that take part, once for each time its weight counts them."""
    texts = [(n, text) for n, text in enumerate(read_text(file.path).split("\n"), start=1) if text.strip()]
    if not texts:
        raise DataError(f"{file.path}: holds no rows")
    taken = [texts[place] for place in chosen(file.sampling, len(texts), f"{seed}:{file.path.name}")]
    lines = [
        _Line(f"{file.path}:{n}", f"{file.path.stem}:{n}", file.data_root, _fields(text, file.path, n))
        for n, text in taken
    ]
    _refuse_repeated_ids(lines)
    yield from lines * int(file.weight)
    rest = Sampling("random", 100 * (file.weight % 1), percent=True)
    for place in chosen(rest, len(lines), f"{seed}:{file.path.name}:weight"):
        yield lines[place]


def _fields(text: str, path: Path, number: int) -> Mapping[str, JSON]:
    try:
        fields = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{number}: not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(fields, dict):
        raise DataError(f"{path}:{number}: expected a JSON object, got {type(fields).__name__}")
    return fields


def _refuse_repeated_ids(lines: Sequence[_Line]) -> None:
    first: dict[str, str] = {}
    for line in lines:
        if "id" not in line.fields:
            continue
        key = str(line.fields["id"])
        if key in first:
            raise DataError(f"{line.source}: id {key!r} is that of {first[key]} too; ids must differ")
        first[key] = line.source


def _image_path(line: _Line) -> Path:
    return line.data_root / _required(line, "image", "the path of an image")


def _row(line: _Line, image: Path, size: Size, default_format: Format, known: Collection[str]) -> Row:
    task = _required(line, "task", f"one of {', '.join(sorted(known))}")
    if task not in known:
        raise DataError(f"{line.source}: unknown task {task!r}; expected one of {', '.join(sorted(known))}")
    form = line.fields.get("format", default_format)
    if form not in get_args(Format):
        raise DataError(f"{line.source}: format is one of {', '.join(get_args(Format))}, got {form!r}")
    return Row(
        id=str(line.fields.get("id", line.default_id)),
        problem=_required(line, "problem", "the question")
        .replace("<image>", "")
        .strip(),  # the prompt has its own
        solution=_required(line, "solution", "the answer as text, alone or in <answer> tags"),
        task=task,
        image=image,
        image_size=size,
        format=form,
        choices=_choices(line),
        source=line.source,
    )


def _required(line: _Line, field: str, expected: str) -> str:
    value = line.fields.get(field)
    if value is None:
        raise DataError(f"{line.source}: no {field}; expected {expected}")
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{line.source}: {field} must be a non-empty string ({expected}), got {value!r}")
    return value


def _choices(line: _Line) -> Mapping[str, str] | None:
    value = line.fields.get("choices")
    if value is None:
        return None
    if isinstance(value, list) and len(value) <= len(string.ascii_uppercase):
        value = dict(zip(string.ascii_uppercase, value, strict=False))
    if not isinstance(value, dict) or not value or not all(isinstance(text, str) for text in value.values()):
        raise DataError(f"{line.source}: choices must be a list of texts or texts by letter, got {value!r}")
    return {letter: str(text) for letter, text in value.items()}
