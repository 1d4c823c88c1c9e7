"""From numbers as they are written to pixels of the original image, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias, get_args

from reward_service.rewards.grounding.options import BoxFormat, Coordinates
from reward_service.rewards.score import BadField

Box: TypeAlias = tuple[float, float, float, float]
Point: TypeAlias = tuple[float, float]

_SAME: Point = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Frame:
    """A way of writing boxes: a pixel of the original image is x * numerator / denominator (y likewise)."""

    box_format: BoxFormat = "xyxy"
    numerator: Point = _SAME
    denominator: Point = _SAME

    @property
    def plain(self) -> bool:
        """Whether numbers are written as the corners of a box in pixels of the original image."""
        return self.box_format == "xyxy" and self.numerator is _SAME and self.denominator is _SAME

    @property
    def for_polygons(self) -> Frame:
        """The same unit for points under a `polygon` key, whatever the format of boxes."""
        return replace(self, box_format="polygon")

    def corners(self, a: float, b: float, c: float, d: float) -> Box:
        """Four written numbers as (x1, y1, x2, y2) in pixels of the original image; nothing is repaired."""
        if self.box_format == "xywh":
            a, b, c, d = a, b, a + c, b + d
        elif self.box_format == "cxcywh":
            a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
        return (*self.point(a, b), *self.point(c, d))

    def point(self, x: float, y: float) -> Point:
        """A written point in pixels of the original image."""
        return x * self.numerator[0] / self.denominator[0], y * self.numerator[1] / self.denominator[1]

    def write(self, box: Box) -> Box:
        """The four numbers that `corners` reads as `box`, up to rounding."""
        x1, y1, x2, y2 = (*self.write_point(box[0], box[1]), *self.write_point(box[2], box[3]))
        if self.box_format == "xywh":
            return x1, y1, x2 - x1, y2 - y1
        if self.box_format == "cxcywh":
            return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        return x1, y1, x2, y2

    def write_point(self, x: float, y: float) -> Point:
        """The point that `point` reads as (x, y), up to rounding."""
        return x / self.numerator[0] * self.denominator[0], y / self.numerator[1] * self.denominator[1]


PIXELS: Mapping[BoxFormat, Frame] = MappingProxyType({name: Frame(name) for name in get_args(BoxFormat)})
"""Frames of numbers in pixels of the original image."""


def frame_of(
    coordinates: Coordinates,
    box_format: BoxFormat,
    image_size: Sequence[float] | None,
    resized_size: Sequence[float] | None,
) -> Frame:
    """The frame of these options.

    Raises `BadField` at `options.image_size` or `options.resized_size` where a size is needed and missing.
    """
    if coordinates == "pixel":
        return PIXELS[box_format]
    if image_size is None:
        raise BadField("options.image_size", f"[width, height] is needed for {coordinates} coordinates")
    if coordinates == "resized" and resized_size is None:
        raise BadField("options.resized_size", "[width, height] is needed for resized coordinates")
    written = {"unit": (1.0, 1.0), "permille": (1000.0, 1000.0), "resized": resized_size or (1.0, 1.0)}[
        coordinates
    ]
    return Frame(
        box_format, (float(image_size[0]), float(image_size[1])), (float(written[0]), float(written[1]))
    )
