"""Predicted boxes in an answer.

Read are, anywhere in the text: JSON lists of numbers, lists of those, objects with one of `BOX_KEYS` (and
`label`), lists of those, `{"boxes": [...]}`, and Qwen's box tokens. Everything of these kinds counts as
predicted, first or last, box or no box, so that naming several is never free; template text such as [x1, y1,
x2, y2] does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeGuard, cast

from reward_service.rewards.grounding.frame import Frame
from reward_service.rewards.grounding.overlap import Shape, is_box, polygon_of
from reward_service.rewards.grounding.values import find_values, parse
from reward_service.rewards.score import JSON

BOX_KEYS = ("bbox_2d", "bbox", "box", "Position")
POLYGON_KEY = "polygon"
_SHAPE_KEYS = (*BOX_KEYS, POLYGON_KEY)
LIST_KEYS = ("boxes", "polygons")
MAX_POINTS = 1000
"""A polygon of more points is no polygon."""

_BOX_START, _BOX_END = "<|box_start|>", "<|box_end|>"
_LABEL_START, _LABEL_END = "<|object_ref_start|>", "<|object_ref_end|>"


class Prediction(NamedTuple):
    """One thing predicted.

    shape: None where it is no box or polygon (it still counts). written: whether it has the form of one,
        whatever its
    geometry: the right number of finite numbers.
    """

    shape: Shape | None
    label: str | None = None
    written: bool = True


_NESTING = frozenset({list, dict})
_NO_BOX = Prediction(None, None, written=False)


class Answer(NamedTuple):
    """What an answer predicts.

    readable: there is a list (maybe empty) or an object. well_formed: and every entry has the form of a box.
    """

    predictions: list[Prediction]
    readable: bool
    well_formed: bool


def read_answer(text: str, frame: Frame) -> Answer:
    """All predictions of `text` in pixels of the original image, in order, in time linear in its length."""
    predictions: list[Prediction] = []
    if _BOX_START in text:
        text = _take_tokens(text, frame, predictions)
    found = find_values(text)
    for value in found.values:
        predictions.extend(_predictions(value, frame))
    readable = bool(found.values or predictions)
    well_formed = readable and found.complete and all(each.written for each in predictions)
    return Answer(predictions, readable, well_formed)


def _predictions(value: JSON, frame: Frame) -> list[Prediction]:
    """The predictions of one JSON value of the text."""
    if isinstance(value, list):
        return _entries(value, frame)
    if not isinstance(value, Mapping):
        return [_NO_BOX]
    lists = [value[key] for key in LIST_KEYS if key in value]
    if not lists:
        return _object(value, frame)
    parts = (_entries(entries, frame) if isinstance(entries, list) else [_NO_BOX] for entries in lists)
    return [prediction for part in parts for prediction in part]


def _entries(value: list[JSON], frame: Frame) -> list[Prediction]:
    """A list that is one shape, or holds shapes and objects; an empty one predicts nothing."""
    if value and _is_shape(value, frame):
        return [_shape(value, frame, None)]
    predictions: list[Prediction] = []
    for entry in value:
        if isinstance(entry, Mapping):
            predictions += _object(entry, frame)
        else:
            predictions.append(_shape(entry, frame, None) if isinstance(entry, list) else _NO_BOX)
    return predictions


def _object(entry: Mapping[str, JSON], frame: Frame) -> list[Prediction]:
    """Every shape under a key of an object, with the object's label; an object without any is no box."""
    label = entry.get("label")
    label = label if isinstance(label, str) else None
    predictions: list[Prediction] = []
    for key in _SHAPE_KEYS:
        if key in entry:
            inner = frame.for_polygons if key == POLYGON_KEY else frame
            predictions += _under_key(entry[key], inner, label)
    return predictions or [_NO_BOX]


def _under_key(value: JSON, frame: Frame, label: str | None) -> list[Prediction]:
    if not isinstance(value, list) or not value:
        return [_NO_BOX]
    if _is_shape(value, frame):
        return [_shape(value, frame, label)]
    return [_shape(each, frame, label) if isinstance(each, list) else _NO_BOX for each in value]


def _is_shape(value: list[JSON], frame: Frame) -> bool:
    """Whether a list is one shape, not a list of them: a polygon is nested once more than a box."""
    if frame.box_format != "polygon":
        return _NESTING.isdisjoint(map(type, value))
    return any(
        isinstance(entry, list) and not any(isinstance(each, list) for each in entry) for entry in value
    )


def _shape(value: Sequence[JSON], frame: Frame, label: str | None) -> Prediction:
    return _polygon(value, frame, label) if frame.box_format == "polygon" else _box(value, frame, label)


def _box(value: Sequence[JSON], frame: Frame, label: str | None) -> Prediction:
    if len(value) != 4:
        return _NO_BOX
    a, b, c, d = value
    # This runs for every box, and a loop over four numbers takes twice as long.
    if not (_is_number(a) and _is_number(b) and _is_number(c) and _is_number(d)):
        return _NO_BOX
    box = (float(a), float(b), float(c), float(d)) if frame.plain else frame.corners(a, b, c, d)
    return Prediction(box if is_box(box) else None, label)


def _polygon(value: Sequence[JSON], frame: Frame, label: str | None) -> Prediction:
    if len(value) < 3 or not all(map(_is_point, value)):
        return _NO_BOX
    if len(value) > MAX_POINTS:
        return Prediction(None, label)
    return Prediction(polygon_of([frame.point(*cast(Sequence[float], point)) for point in value]), label)


def _is_point(value: JSON) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_number(value: JSON) -> TypeGuard[float]:
    """Whether it is a JSON number (finite by its origin); a boolean is none."""
    return type(value) is float or type(value) is int


def _take_tokens(text: str, frame: Frame, predictions: list[Prediction]) -> str:
    """Add the boxes in box tokens, labelled by the object reference before; return the text without them."""
    first, *pieces = text.split(_BOX_START)
    outside, label = [first], _last_reference(first, None)
    for piece in pieces:
        inside, _, after = piece.partition(_BOX_END)
        predictions.append(_token_box(inside, frame, label))
        label = _last_reference(after, label)
        outside.append(after)
    return "\n".join(outside)


def _last_reference(text: str, before: str | None) -> str | None:
    start, end = text.rfind(_LABEL_START), text.rfind(_LABEL_END)
    return text[start + len(_LABEL_START) : end] if 0 <= start < end else before


def _token_box(inside: str, frame: Frame, label: str | None) -> Prediction:
    """The box of "(x1,y1),(x2,y2)"; of three or more points a polygon, where those are asked for."""
    points = parse("[" + inside.replace("(", "[").replace(")", "]") + "]")
    if not isinstance(points, list) or not all(isinstance(point, list) for point in points):
        return _NO_BOX
    if frame.box_format == "polygon":
        return _polygon(points, frame, label)
    return (
        _box([number for point in points for number in point], frame, label) if len(points) == 2 else _NO_BOX
    )
