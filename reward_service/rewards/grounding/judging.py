"""From a reading and a prepared reference to a judgement."""

from __future__ import annotations

from collections.abc import Sequence

from reward_service.rewards.grounding.answer import Prediction, read_answer
from reward_service.rewards.grounding.matching import Worth, best_sum, label_mask, score
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
"""Pairs of shapes that are intersected where polygons are among them; an answer that asks for more scores 0."""


def judge(reading: Reading, reference: Reference, options: Options) -> Judgement:
    """Score the boxes of a reading; see the package for the formulas. `answer` lists them in original pixels."""
    answer = read_answer(reading.answer, reference.frame)
    if not answer.readable:
        return Judgement(0.0, None, "No box or list of boxes could be read.", well_formed=False)
    predictions, targets = answer.predictions, reference.targets
    mode = options.mode or (options.single_mode if len(targets) <= 1 else "match_mean")
    total = _total(
        predictions, targets, Worth(mode, options.iou_threshold, options.threshold_inclusive), options
    )
    accuracy = score(mode, total, len(predictions), len(targets))
    explanation = _explain(mode, total, len(predictions), len(targets))
    return Judgement(
        accuracy, [_shown(each) for each in predictions[:MAX_SHOWN]], explanation, answer.well_formed
    )


def _total(
    predictions: Sequence[Prediction], targets: Sequence[Target], worth: Worth, options: Options
) -> float:
    found = [(each.shape, each.label) for each in predictions if each.shape is not None]
    if not found or not targets:
        return 0.0
    if len(found) == len(targets) == 1:
        return _single(*found[0], targets[0], worth, options.label_aware)
    found.sort(key=lambda each: (shape_key(each[0]), each[1] or ""))
    shapes, labels = [shape for shape, _ in found], [label for _, label in found]
    wanted = [target.shape for target in targets]
    polygons = any(isinstance(shape, Polygon) for shape in (*wanted, *shapes))
    if polygons and len(shapes) * len(wanted) > MAX_POLYGON_PAIRS:
        return 0.0
    overlaps = shape_overlaps if polygons else box_overlaps

    def rows(part: slice) -> Matrix:
        values = worth.of_all(overlaps(shapes[part], wanted))
        if options.label_aware:
            values = values * label_mask(labels[part], [target.label for target in targets])
        return values

    return best_sum(len(shapes), len(wanted), rows)


def _single(shape: Shape, label: str | None, target: Target, worth: Worth, label_aware: bool) -> float:
    if label_aware and not label_mask([label], [target.label])[0, 0]:
        return 0.0
    if isinstance(shape, Polygon) or isinstance(target.shape, Polygon):
        return worth.of(float(shape_overlaps([shape], [target.shape])[0, 0]))
    return worth.of(iou(shape, target.shape))


def _shown(prediction: Prediction) -> JSON:
    label: dict[str, JSON] = {} if prediction.label is None else {"label": prediction.label}
    if isinstance(prediction.shape, Polygon):
        return {"polygon": [list(point) for point in prediction.shape.points], **label}
    return {"box": prediction.shape and list(prediction.shape), **label}


def _explain(mode: Mode, total: float, predicted: int, wanted: int) -> str:
    if wanted == 0:
        return f"{predicted} predicted where nothing is to be found."
    return (
        f"{mode}: best matching of {predicted} predicted and {wanted} reference boxes is worth {total:.4g}."
    )
