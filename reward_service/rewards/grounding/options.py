"""What an item of the grounding task may say: its options and the JSON shapes of a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Required, TypeAlias

from annotated_types import Gt, Interval, Le, Len
from typing_extensions import TypedDict

Coordinates: TypeAlias = Literal["pixel", "unit", "permille", "resized"]
BoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh", "polygon"]
Mode: TypeAlias = Literal["hard", "soft", "match_mean", "f1"]
Size: TypeAlias = Annotated[Sequence[Annotated[float, Gt(0), Le(1e6)]], Len(2, 2)]


@dataclass(frozen=True, slots=True)
class Options:
    """How boxes are read and scored.

    coordinates: unit of the predicted boxes: `pixel` of the original image, `unit` (0 to 1), `permille` (0 to
        1000) or `resized` (pixels of an image of `resized_size`). It is never guessed.
    image_size: [width, height] of the original image in pixels; needed unless `coordinates` is `pixel`.
    resized_size: [width, height] that the model saw; needed when `coordinates` is `resized`.
    box_format: what the predicted numbers mean; `polygon` is a list of [x, y] points.
    label_aware: only pairs of the same label match (trimmed, any case); a reference without a label takes
        any.
    iou_threshold, threshold_inclusive: a pair is a hit when its IoU is above (or, if inclusive, at) the
        threshold.
    mode: the formula; null means `single_mode` for at most one reference and `match_mean` for several.
    """

    coordinates: Coordinates = "pixel"
    image_size: Size | None = None
    resized_size: Size | None = None
    box_format: BoxFormat = "xyxy"
    label_aware: bool = False
    iou_threshold: Annotated[float, Interval(ge=0, le=1)] = 0.5
    threshold_inclusive: bool = False
    mode: Mode | None = None
    single_mode: Literal["hard", "soft"] = "soft"


Numbers: TypeAlias = Annotated[list[float], Len(4, 4)]
Point: TypeAlias = Annotated[list[float], Len(2, 2)]
Points: TypeAlias = Annotated[list[Point], Len(3)]


class _Labelled(TypedDict, total=False):
    label: str | None


class BoxEntry(_Labelled):
    """One reference box: four numbers and, optionally, what it shows."""

    box: Numbers


class PolygonEntry(_Labelled):
    """One reference polygon: three or more [x, y] points around it and, optionally, what it shows."""

    polygon: Points


class _Written(TypedDict, total=False):
    coordinates: Coordinates
    image_size: Size
    resized_size: Size


class BoxesReference(_Written, total=False):
    """Reference boxes, and how they are written where that is not xyxy pixels of the original image."""

    boxes: Required[list[BoxEntry]]
    box_format: Literal["xyxy", "xywh", "cxcywh"]


class PolygonsReference(_Written):
    """Reference polygons, and their unit where that is not pixels of the original image."""

    polygons: list[PolygonEntry]


ReferenceShape: TypeAlias = str | BoxesReference | PolygonsReference | list[Numbers] | Numbers
