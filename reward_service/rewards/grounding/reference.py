"""From the JSON of a reference to shapes in pixels of the original image."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

import orjson

from reward_service.rewards.grounding.answer import BOX_KEYS, LIST_KEYS, MAX_POINTS, POLYGON_KEY
from reward_service.rewards.grounding.frame import PIXELS, Frame, Point, frame_of
from reward_service.rewards.grounding.options import BoxFormat, Coordinates, Options, ReferenceShape, Size
from reward_service.rewards.grounding.overlap import Polygon, Shape, is_box, polygon_of, shape_key
from reward_service.rewards.grounding.values import parse, without_non_finite
from reward_service.rewards.reading import read_reference
from reward_service.rewards.score import JSON, BadField, InvalidReference

MAX_TARGETS = 1000
"""Shapes of one reference."""

_ENTRY_KEYS = (*BOX_KEYS, POLYGON_KEY)
_IGNORED_KEYS = ("Confidence", "confidence")
_WRITTEN_KEYS = ("coordinates", "box_format", "image_size", "resized_size")
_BOX_FORMATS = ("xyxy", "xywh", "cxcywh")


@dataclass(frozen=True, slots=True)
class Target:
    """One shape to be found, in pixels of the original image."""

    shape: Shape
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """What is to be found, in a canonical order, and the frame that predictions are read in."""

    targets: tuple[Target, ...]
    frame: Frame


def prepare(reference: ReferenceShape, options: Options) -> Reference:
    """Parse a reference: JSON, or a string that holds it, with or without an answer block or a code fence.

    Raises `BadField` where JSON has the wrong shape or a size is missing in the options, and
    `InvalidReference` for a shape that encloses no area or is not finite, and for a string that does not read
    as a reference.
    """
    if not isinstance(reference, str):
        return _prepare(cast(JSON, reference), options)
    text = read_reference(reference).strip("`").strip().removeprefix("json")
    try:
        return _prepare(parse(without_non_finite(text)), options)
    except BadField as error:
        if error.path.startswith("options."):
            raise
        raise InvalidReference(f"the text does not read as boxes: {error}") from None


def as_answer(reference: Reference) -> str:
    """The reference as a model has to answer it: accuracy 1 (up to rounding, where units are converted)."""
    return orjson.dumps([_as_entry(target, reference.frame) for target in reference.targets]).decode()


def _as_entry(target: Target, frame: Frame) -> JSON:
    label = {} if target.label is None else {"label": target.label}
    if isinstance(target.shape, Polygon):
        return {POLYGON_KEY: [list(frame.write_point(*point)) for point in target.shape.points], **label}
    if frame.box_format == "polygon":
        x1, y1, x2, y2 = target.shape
        corners = (x1, y1), (x2, y1), (x2, y2), (x1, y2)
        return {POLYGON_KEY: [list(frame.write_point(*corner)) for corner in corners], **label}
    return {"bbox_2d": list(frame.write(target.shape)), **label}


def _prepare(value: JSON, options: Options) -> Reference:
    if isinstance(value, Mapping) and any(key in value for key in LIST_KEYS):
        image_size = _image_size(value, options)
        own = _own_frame(value, image_size, options)
        lists = [(key, value[key]) for key in LIST_KEYS if key in value]
        targets = [each for key, entries in lists for each in _targets(entries, f"reference.{key}", own)]
    else:
        image_size = options.image_size
        targets = _targets(value, "reference", PIXELS["xyxy"])
    frame = frame_of(options.coordinates, options.box_format, image_size, options.resized_size)
    if len(targets) > MAX_TARGETS:
        raise BadField("reference", f"expected at most {MAX_TARGETS} boxes, got {len(targets)}")
    targets.sort(key=lambda target: (shape_key(target.shape), target.label or ""))
    return Reference(tuple(targets), frame)


def _own_frame(written: Mapping[str, JSON], image_size: Size | None, options: Options) -> Frame:
    _refuse_unknown(written, (*LIST_KEYS, *_WRITTEN_KEYS), "reference")
    return frame_of(
        cast(Coordinates, _choice(written, "coordinates", get_args(Coordinates))),
        cast(BoxFormat, _choice(written, "box_format", _BOX_FORMATS)),
        image_size,
        _size(written, "resized_size") or options.resized_size,
    )


def _choice(written: Mapping[str, JSON], key: str, allowed: Sequence[str]) -> str:
    value = written.get(key, allowed[0])
    if value not in allowed:
        raise BadField(f"reference.{key}", f"expected one of {', '.join(allowed)}, got {value!r:.60}")
    return str(value)


def _size(written: Mapping[str, JSON], key: str) -> Size | None:
    value = written.get(key)
    if value is None:
        return None
    numbers = _numbers(value, 2, f"reference.{key}")
    if not all(0 < number <= 1e6 for number in numbers):
        raise BadField(f"reference.{key}", f"expected [width, height] above 0, got {value!r:.60}")
    return numbers


def _image_size(written: Mapping[str, JSON], options: Options) -> Size | None:
    own, given = _size(written, "image_size"), options.image_size
    if own is not None and given is not None and list(own) != list(given):
        raise BadField("reference.image_size", f"{list(own)} is not options.image_size {list(given)}")
    return own or given


def _targets(value: JSON, path: str, frame: Frame) -> list[Target]:
    """A box, an entry, or a list of either; every error names its path."""
    if isinstance(value, Mapping):
        return [_entry(value, path, frame)]
    if not isinstance(value, list):
        raise BadField(path, f"expected boxes, got {value!r:.60}")
    if value and not any(isinstance(each, list | Mapping) for each in value):
        return [Target(_box(value, path, frame))]
    return [
        _entry(each, f"{path}[{index}]", frame)
        if isinstance(each, Mapping)
        else Target(_box(each, f"{path}[{index}]", frame))
        for index, each in enumerate(value)
    ]


def _entry(entry: Mapping[str, JSON], path: str, frame: Frame) -> Target:
    _refuse_unknown(entry, (*_ENTRY_KEYS, "label", *_IGNORED_KEYS), path)
    keys = [key for key in _ENTRY_KEYS if key in entry]
    if len(keys) != 1:
        raise BadField(path, f"expected exactly one of {', '.join(_ENTRY_KEYS)}, got {len(keys)} of them")
    label, value, at = entry.get("label"), entry[keys[0]], f"{path}.{keys[0]}"
    if not (label is None or isinstance(label, str)):
        raise BadField(f"{path}.label", f"expected a string, got {label!r:.60}")
    return Target(_polygon(value, at, frame) if keys[0] == POLYGON_KEY else _box(value, at, frame), label)


def _box(value: JSON, path: str, frame: Frame) -> Shape:
    box = frame.corners(*_numbers(value, 4, path))
    if not is_box(box):
        raise InvalidReference(
            f"{path}: {value!r:.90} encloses no area (as {frame.box_format}) or is not finite"
        )
    return box


def _polygon(value: JSON, path: str, frame: Frame) -> Shape:
    if not isinstance(value, list) or not 3 <= len(value) <= MAX_POINTS:
        raise BadField(path, f"expected a list of 3 to {MAX_POINTS} points [x, y], got {value!r:.60}")
    points: list[Point] = []
    for index, each in enumerate(value):
        x, y = _numbers(each, 2, f"{path}[{index}]")
        points.append(frame.point(x, y))
    polygon = polygon_of(points)
    if polygon is None:
        raise InvalidReference(f"{path}: the polygon crosses itself, encloses no area or is not finite")
    return polygon


def _numbers(value: JSON, count: int, path: str) -> list[float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        raise BadField(path, f"expected a list of {count} numbers, got {value!r:.60}")
    numbers: list[float] = []
    for index, each in enumerate(value):
        if not isinstance(each, int | float) or isinstance(each, bool):
            raise BadField(f"{path}[{index}]", f"expected a number, got {each!r:.60}")
        numbers.append(float(each) if abs(each) <= sys.float_info.max else float("nan"))
    return numbers


def _refuse_unknown(value: Mapping[str, JSON], known: Sequence[str], path: str) -> None:
    for key in value:
        if key not in known:
            raise BadField(f"{path}.{key}", f"no such field; expected one of {', '.join(known)}")
