"""Scenes: coloured shapes and real digit scans on a small canvas, with their annotation.

All coordinates are pixels of the image, (x1, y1, x2, y2) with x2 and y2 one past the last inked pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from trainer.data.digits import DIGIT_WORDS, Split, scans

Box = tuple[int, int, int, int]
Background = Literal["plain", "textured"]

CANVAS = 48
"""Width and height of every image in pixels."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (230, 40, 40),
    "green": (40, 200, 60),
    "blue": (60, 90, 250),
    "yellow": (240, 220, 40),
    "purple": (190, 60, 230),
    "white": (240, 240, 240),
}
SHAPES = ("circle", "square", "triangle", "cross")

_INK = 0.35  # a pixel belongs to a thing's box where at least this share of it is covered
_OVERSAMPLING = 4
_GAP = 1
_TRIES = 60


@dataclass(frozen=True)
class Thing:
    """One drawn object: `kind` is a shape's name or a digit's word."""

    kind: str
    colour: str
    box: Box

    @property
    def name(self) -> str:
        """Colour and kind, as questions say it: "red circle", "green seven"."""
        return f"{self.colour} {self.kind}"

    @property
    def value(self) -> int | None:
        """The digit's value 0..9, or None for a shape."""
        return DIGIT_WORDS.index(self.kind) if self.kind in DIGIT_WORDS else None


@dataclass(frozen=True)
class Scene:
    """A picture and what is in it. No two things of a scene share both colour and kind."""

    image: Image.Image
    things: tuple[Thing, ...]

    @property
    def digits(self) -> tuple[Thing, ...]:
        """The digits from left to right (ties: from top to bottom)."""
        return digits_in(self.things)


@dataclass(frozen=True)
class SceneStyle:
    """How scenes of a set look: counts and sizes are inclusive ranges, sizes in pixels of the longer side."""

    things: tuple[int, int] = (2, 4)
    digits: tuple[int, int] = (1, 3)
    size: tuple[int, int] = (12, 16)
    background: Background = "plain"


def digits_in(things: Sequence[Thing]) -> tuple[Thing, ...]:
    """Return the digits among `things` from left to right (ties: from top to bottom)."""
    return tuple(sorted((t for t in things if t.value is not None), key=lambda t: (t.box[0], t.box[1])))


def draw_scene(rng: np.random.Generator, style: SceneStyle, split: Split) -> Scene:
    """Draw one scene; digits come from the scans of `split`.

    Starts afresh when the things do not fit, so the count is always in the style's range.
    """
    while True:
        canvas = _background(rng, style.background)
        things = _place_things(rng, canvas, style, split)
        if things is not None:
            return Scene(Image.fromarray(canvas.round().clip(0, 255).astype(np.uint8)), things)


def _place_things(
    rng: np.random.Generator, canvas: NDArray[np.float32], style: SceneStyle, split: Split
) -> tuple[Thing, ...] | None:
    count = int(rng.integers(style.things[0], style.things[1] + 1))
    digit_count = int(rng.integers(style.digits[0], min(style.digits[1], count) + 1))
    taken: list[Thing] = []
    for place in range(count):
        kind, colour = _new_look(rng, taken, is_digit=place < digit_count)
        mask = _mask(rng, kind, int(rng.integers(style.size[0], style.size[1] + 1)), split)
        corner = _free_corner(rng, mask.shape, [t.box for t in taken])
        if corner is None:
            return None
        _paint(canvas, mask, corner, COLOURS[colour])
        box = (corner[0], corner[1], corner[0] + mask.shape[1], corner[1] + mask.shape[0])
        taken.append(Thing(kind, colour, box))
    return tuple(taken[i] for i in rng.permutation(count))


def _new_look(rng: np.random.Generator, taken: Sequence[Thing], is_digit: bool) -> tuple[str, str]:
    """Choose kind and colour; half of the time one repeats, so that neither alone tells things apart."""
    kinds = DIGIT_WORDS if is_digit else SHAPES
    used = {(t.kind, t.colour) for t in taken}
    while True:
        kind, colour = str(rng.choice(kinds)), str(rng.choice(list(COLOURS)))
        if taken and rng.random() < 0.5:
            twin = taken[int(rng.integers(len(taken)))]
            if twin.kind in kinds and rng.random() < 0.5:
                kind = twin.kind
            else:
                colour = twin.colour
        if (kind, colour) not in used:
            return kind, colour


def _mask(rng: np.random.Generator, kind: str, size: int, split: Split) -> NDArray[np.float32]:
    """Return the thing's coverage in 0..1, cropped to its inked pixels."""
    coverage = _digit_mask(rng, kind, size, split) if kind in DIGIT_WORDS else _shape_mask(kind, size)
    inked = coverage >= _INK
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _digit_mask(rng: np.random.Generator, kind: str, size: int, split: Split) -> NDArray[np.float32]:
    bank = scans(split)
    own = bank.by_value[DIGIT_WORDS.index(kind)]
    ink = bank.ink[own[int(rng.integers(len(own)))]]
    resized = Image.fromarray(ink).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.float32).clip(0.0, 1.0)


def _shape_mask(kind: str, size: int) -> NDArray[np.float32]:
    side = size * _OVERSAMPLING
    big = Image.new("L", (side, side))
    pen = ImageDraw.Draw(big)
    last, third = side - 1, side // 3
    if kind == "circle":
        pen.ellipse((0, 0, last, last), fill=255)
    elif kind == "square":
        pen.rectangle((0, 0, last, last), fill=255)
    elif kind == "triangle":
        pen.polygon([(last / 2, 0), (last, last), (0, last)], fill=255)
    else:
        pen.rectangle((third, 0, last - third, last), fill=255)
        pen.rectangle((0, third, last, last - third), fill=255)
    small = big.resize((size, size), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255.0


def _free_corner(
    rng: np.random.Generator, shape: tuple[int, ...], boxes: Sequence[Box]
) -> tuple[int, int] | None:
    height, width = shape
    for _ in range(_TRIES):
        x, y = int(rng.integers(0, CANVAS - width + 1)), int(rng.integers(0, CANVAS - height + 1))
        apart = (
            x + width + _GAP <= b[0] or b[2] + _GAP <= x or y + height + _GAP <= b[1] or b[3] + _GAP <= y
            for b in boxes
        )
        if all(apart):
            return x, y
    return None


def _paint(
    canvas: NDArray[np.float32],
    mask: NDArray[np.float32],
    corner: tuple[int, int],
    colour: tuple[int, int, int],
) -> None:
    x, y = corner
    region = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
    region += mask[..., None] * (np.asarray(colour, dtype=np.float32) - region)


def _background(rng: np.random.Generator, background: Background) -> NDArray[np.float32]:
    """Plain is one dark grey; textured is a two-colour gradient with stripes and grain."""
    canvas = np.empty((CANVAS, CANVAS, 3), dtype=np.float32)
    canvas[:] = rng.uniform(0, 40)
    if background == "textured":
        ends = rng.uniform(0, 90, size=(2, 3)).astype(np.float32)
        ramp = np.linspace(0, 1, CANVAS, dtype=np.float32)
        ramp = ramp[:, None] if rng.random() < 0.5 else ramp[None, :]
        canvas[:] = ends[0] + (ends[1] - ends[0]) * ramp[..., None]
        x, y = np.meshgrid(np.arange(CANVAS), np.arange(CANVAS))
        stripes = np.sin((x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1)) + rng.uniform(0, 6))
        canvas += 12.0 * stripes[..., None].astype(np.float32)
        canvas += rng.normal(0, 8, size=canvas.shape).astype(np.float32)
    return canvas.clip(0, 255)
