"""Intersection over union of boxes and polygons in continuous coordinates: 0 to 10 is 10 wide, not 11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

from reward_service.rewards.grounding.frame import Box, Point

Matrix: TypeAlias = npt.NDArray[np.float64]

MIN_AREA, MAX_AREA = 1e-100, 1e100
"""Between these, areas and their sums neither overflow nor lose digits."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """A polygon in pixels of the original image; `geometry` is made from `points`, which identify it."""

    points: tuple[Point, ...]
    geometry: shapely.Polygon = field(compare=False, repr=False)


Shape: TypeAlias = Box | Polygon

_INF = float("inf")


def is_box(box: Box) -> bool:
    """Whether the corners enclose an area and are finite; swapped corners and zero width or height do not."""
    return -_INF < box[0] < box[2] < _INF and -_INF < box[1] < box[3] < _INF


def polygon_of(points: Sequence[Point]) -> Polygon | None:
    """The simple polygon around these points, or None where they cross themselves or enclose no area."""
    if not np.isfinite(points).all():
        return None
    geometry = shapely.Polygon(points)
    if not geometry.is_valid or not MIN_AREA < geometry.area < MAX_AREA:
        return None
    return Polygon(tuple(points), geometry)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes that enclose an area, in [0, 1]; 1 for equal boxes. Symmetric.

    Any finite coordinates are good: where an area could overflow or vanish, both boxes are scaled first.
    """
    ax1, ay1, ax2, ay2 = a
    bx1, by1, bx2, by2 = b
    width = (ax2 if ax2 < bx2 else bx2) - (ax1 if ax1 > bx1 else bx1)
    height = (ay2 if ay2 < by2 else by2) - (ay1 if ay1 > by1 else by1)
    if width <= 0 or height <= 0:
        return 0.0
    area_a, area_b = (ax2 - ax1) * (ay2 - ay1), (bx2 - bx1) * (by2 - by1)
    if not (MIN_AREA < area_a < MAX_AREA and MIN_AREA < area_b < MAX_AREA):
        return float(_scaled_iou(np.array([a]), np.array([b]))[0])
    shared = width * height
    value = shared / (area_a + area_b - shared)
    return value if value < 1 else 1.0


def box_overlaps(rows: Matrix, columns: Matrix) -> Matrix:
    """The matrix of `iou` of boxes in rows of four numbers, to the last bit what `iou` gives."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        matrix = _plain_iou(rows[:, None], columns)
        odd_pairs = np.nonzero(~_is_ordinary(rows)[:, None] | ~_is_ordinary(columns))
    if odd_pairs[0].size:
        matrix[odd_pairs] = _scaled_iou(rows[odd_pairs[0]], columns[odd_pairs[1]])
    return matrix


def shape_overlaps(a: Sequence[Shape], b: Sequence[Shape]) -> Matrix:
    """The matrix of intersection over union where polygons are among the shapes."""
    rows, columns = _geometries(a)[:, None], _geometries(b)
    shared = shapely.area(shapely.intersection(rows, columns))
    union = shapely.area(rows) + shapely.area(columns) - shared
    overlaps = np.clip(np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0), 0.0, 1.0)
    # Rounding in the intersection must not cost the equal one its full score.
    overlaps[[[one == other for other in b] for one in a]] = 1.0
    return np.asarray(overlaps, dtype=np.float64)


def _geometries(shapes: Sequence[Shape]) -> npt.NDArray[np.object_]:
    geometries = np.empty(len(shapes), dtype=np.object_)
    geometries[:] = [
        shape.geometry if isinstance(shape, Polygon) else shapely.box(*shape) for shape in shapes
    ]
    return geometries


def _plain_iou(a: Matrix, b: Matrix) -> Matrix:
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    shared = width * height
    values = np.minimum(shared / (_area(a) + _area(b) - shared), 1.0)
    return np.where((width > 0) & (height > 0), values, 0.0)


def _scaled_iou(a: Matrix, b: Matrix) -> Matrix:
    """IoU of pairs, each scaled by powers of two (which rounds nothing) to coordinates of at most 1."""
    largest = np.maximum(np.abs(a), np.abs(b))
    exponents = np.frexp(np.maximum(largest[:, :2], largest[:, 2:]))[1]
    shift = -np.concatenate([exponents, exponents], axis=1)
    with np.errstate(invalid="ignore", divide="ignore", under="ignore"):
        return _plain_iou(np.ldexp(a, shift), np.ldexp(b, shift))


def _area(boxes: Matrix) -> Matrix:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _is_ordinary(boxes: Matrix) -> npt.NDArray[np.bool_]:
    area = _area(boxes)
    return (area > MIN_AREA) & (area < MAX_AREA)


def shape_key(shape: Shape) -> tuple[bool, tuple[float, ...] | tuple[Point, ...]]:
    """A key by which shapes of both kinds are put into one canonical order."""
    return (True, shape.points) if isinstance(shape, Polygon) else (False, shape)
