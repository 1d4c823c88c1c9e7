"""From a reading and a prepared reference to a judgement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from reward_service.rewards.grounding.answer import Prediction, read_answer
from reward_service.rewards.grounding.frame import Box
from reward_service.rewards.grounding.matching import (
    Worth,
    best_of_few,
    best_of_many,
    label_mask,
    same_label,
    score,
)
from reward_service.rewards.grounding.options import Mode, Options
from reward_service.rewards.grounding.overlap import (
    Matrix,
    Polygon,
    Shape,
    box_overlaps,
    iou,
    shape_key,
    shape_overlaps,
)
from reward_service.rewards.grounding.reference import Reference, Target
from reward_service.rewards.reading import Reading
from reward_service.rewards.score import JSON, Judgement

MAX_SHOWN = 100
"""Predictions that a judgement repeats; the explanation says how many there were."""
MAX_POLYGON_PAIRS = 5_000
"""Pairs to intersect where polygons are among them; an answer that needs more scores 0."""

_FEW_PAIRS = 50  # up to here plain Python is faster than arrays
_CELLS = 1 << 18  # of a matrix of predictions by references, held at once

Labelled: TypeAlias = tuple[Shape, str | None]


def judge(reading: Reading, reference: Reference, options: Options) -> Judgement:
    """Score the boxes of a reading by the formulas of the package; `answer` lists them in original pixels."""
    answer = read_answer(reading.answer, reference.frame)
    if not answer.readable:
        return Judgement(0.0, None, "No box or list of boxes could be read.", well_formed=False)
    predictions, targets = answer.predictions, reference.targets
    mode = options.mode or (options.single_mode if len(targets) <= 1 else "match_mean")
    worth = Worth(mode, options.iou_threshold, options.threshold_inclusive)
    found = [(each.shape, each.label) for each in predictions if each.shape is not None]
    total = _total(found, targets, worth, options.label_aware) if found and targets else 0.0
    accuracy = score(mode, total, len(predictions), len(targets))
    explanation = _explain(mode, total, len(predictions), len(targets))
    return Judgement(
        accuracy, [_shown(each) for each in predictions[:MAX_SHOWN]], explanation, answer.well_formed
    )


def _total(found: list[Labelled], targets: Sequence[Target], worth: Worth, label_aware: bool) -> float:
    """The worth of the best matching."""
    pairs = len(found) * len(targets)
    if pairs == 1:
        return _of_pair(*found[0], targets[0], worth, label_aware)
    boxes = [(shape, label) for shape, label in found if not isinstance(shape, Polygon)]
    wanted = [target.shape for target in targets if not isinstance(target.shape, Polygon)]
    if len(boxes) < len(found) or len(wanted) < len(targets):
        return _total_of_polygons(found, targets, worth, label_aware) if pairs <= MAX_POLYGON_PAIRS else 0.0
    if pairs > _FEW_PAIRS:
        return best_of_many(_worth_by_parts(boxes, wanted, targets, worth, label_aware))
    return best_of_few(
        [
            [
                worth.of(iou(box, other)) if not label_aware or same_label(label, target.label) else 0.0
                for other, target in zip(wanted, targets, strict=True)
            ]
            for box, label in boxes
        ]
    )


def _of_pair(shape: Shape, label: str | None, target: Target, worth: Worth, label_aware: bool) -> float:
    if label_aware and not same_label(label, target.label):
        return 0.0
    if isinstance(shape, Polygon) or isinstance(target.shape, Polygon):
        return worth.of(float(shape_overlaps([shape], [target.shape])[0, 0]))
    return worth.of(iou(shape, target.shape))


def _total_of_polygons(
    found: list[Labelled], targets: Sequence[Target], worth: Worth, label_aware: bool
) -> float:
    found = sorted(found, key=lambda each: (shape_key(each[0]), each[1] or ""))
    values = worth.of_all(shape_overlaps([shape for shape, _ in found], [each.shape for each in targets]))
    if label_aware:
        values = values * label_mask([label for _, label in found], [each.label for each in targets])
    return best_of_many([values])


def _worth_by_parts(
    boxes: list[tuple[Box, str | None]],
    wanted: list[Box],
    targets: Sequence[Target],
    worth: Worth,
    label_aware: bool,
) -> Iterator[Matrix]:
    """The worth of all pairs, some predictions at a time, these in a canonical order."""
    labels = [label for _, label in boxes]
    rows, columns = np.array([box for box, _ in boxes]), np.array(wanted)
    mask = label_mask(labels, [target.label for target in targets]) if label_aware else None
    keys = rows.T if mask is None else np.concatenate([mask.T, rows.T])
    order = np.lexsort(keys)
    step = max(1, _CELLS // len(wanted))
    for start in range(0, len(boxes), step):
        part = order[start : start + step]
        values = worth.of_all(box_overlaps(rows[part], columns))
        yield values if mask is None else values * mask[part]


def _shown(prediction: Prediction) -> JSON:
    label: dict[str, JSON] = {} if prediction.label is None else {"label": prediction.label}
    if isinstance(prediction.shape, Polygon):
        return {"polygon": [list(point) for point in prediction.shape.points], **label}
    return {"box": prediction.shape and list(prediction.shape), **label}


def _explain(mode: Mode, total: float, predicted: int, wanted: int) -> str:
    if wanted == 0:
        return f"{predicted} predicted where nothing is to be found."
    if predicted == wanted == 1:
        return f"{mode}: the box is worth {total:.4g}."
    counts = f"{predicted} predicted and {wanted} reference boxes"
    return f"{mode}: the best matching of {counts} is worth {total:.4g}."
