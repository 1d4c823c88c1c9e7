"""How a scene is seen wrongly on purpose: the base model's outputs get noisy while its perception does not.

The base model ends its training on replies which follow from distorted annotations. It then samples from a
spread around what it sees, which is what reinforcement learning can narrow again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.digits import DIGIT_WORDS
from trainer.data.scenes import CANVAS, Box, Thing


@dataclass(frozen=True)
class Distortion:
    """How replies err; shares are probabilities per thing, `malformed` per reply.

    `cut_short`: a box's width and height are cut to half their length or anything above it. `moved_by`:
    standard deviation in pixels of the error of every coordinate. `swapped`: a thing gets the box of any of
    the things. `misread`: a digit becomes another one. `missed`: a digit is not seen (never the last one).
    `malformed`: the reply loses one of its tags.
    """

    cut_short: float = 0.0
    moved_by: float = 0.0
    swapped: float = 0.0
    misread: float = 0.0
    missed: float = 0.0
    malformed: float = 0.0


NONE = Distortion()


def distort(things: Sequence[Thing], how: Distortion, rng: np.random.Generator) -> tuple[Thing, ...]:
    """Return the things with boxes as somebody sees them who errs as `how` says; names stay."""
    seen = []
    for thing in things:
        owner = things[int(rng.integers(len(things)))] if rng.random() < how.swapped else thing
        shares = rng.uniform(0.5, 1.0, size=2) if rng.random() < how.cut_short else (1.0, 1.0)
        box = _redrawn(owner.box, (float(shares[0]), float(shares[1])), how.moved_by, rng)
        seen.append(Thing(thing.kind, thing.colour, box))
    return tuple(seen)


def misread(things: Sequence[Thing], how: Distortion, rng: np.random.Generator) -> tuple[Thing, ...]:
    """Return the things with digits misread and missed; at least one digit is left."""
    seen = list(things)
    for thing in things:
        if thing.value is None:
            continue
        if rng.random() < how.misread:
            wrong = DIGIT_WORDS[(thing.value + int(rng.integers(1, 10))) % 10]
            seen[seen.index(thing)] = Thing(wrong, thing.colour, thing.box)
        elif rng.random() < how.missed and sum(t.value is not None for t in seen) > 1:
            seen.remove(thing)
    return tuple(seen)


def _redrawn(box: Box, shares: tuple[float, float], moved_by: float, rng: np.random.Generator) -> Box:
    errors = rng.normal(0.0, moved_by, size=4)
    cut = (box[0], box[1], box[0] + shares[0] * (box[2] - box[0]), box[1] + shares[1] * (box[3] - box[1]))
    x1, y1, x2, y2 = (round(min(max(c + e, 0.0), CANVAS)) for c, e in zip(cut, errors, strict=True))
    x1, y1 = min(x1, CANVAS - 1), min(y1, CANVAS - 1)
    return (x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))
