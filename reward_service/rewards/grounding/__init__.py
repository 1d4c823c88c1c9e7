"""Boxes and polygons, one or many, by intersection over union (IoU) under the best one-to-one matching.

With P predicted and R reference shapes, and the sum taken over the one-to-one matching that makes it largest:

    soft        sum of IoU / max(P, R)
    hard        number of hits / max(P, R); a hit is a pair with IoU > `iou_threshold`
    match_mean  sum of the IoU of hits / max(P, R)
    f1          2 x number of hits / (P + R)

All are in [0, 1]; nothing predicted where nothing is to be found is 1. With `label_aware`, only pairs of the
same label (trimmed, any case) match. Coordinates are continuous (no +1), predictions are converted to pixels
of the original image, and nothing is repaired: swapped corners, zero area, NaN, infinity, booleans, strings,
five numbers are no box, but they count in P. Boxes are not clipped, confidences are ignored, the unit is
never guessed.

Choices where the contract leaves room:

- Everything in the answer that is a list of numbers or an object counts as predicted, wherever it stands: in
  "the box is [1, 2, 3, 4] and not [5, 6, 7, 8]" two boxes are. Words in brackets, as [x1, y1, x2, y2], are
  prose.
- What is no JSON is prose, and the lists in it are read: of a truncated list the complete boxes count, and so
  does a box cut off in the middle, as no box. A bracket that is never closed costs the format.
- Single quotes are read where a value has no double ones, as Python writes dictionaries.
- Without any list there is no answer, even if nothing is to be found: only an empty list says "nothing".
- An object with several boxes (`bbox_2d` and `box`, or a list of boxes) predicts all of them, with its label.
- A reference without a label takes a prediction of any label.
- `polygon` objects are polygons under any `box_format`; boxes and polygons are compared with each other.
- An invalid polygon (crossing itself, no area, over 1,000 points) is none, but counts.
- Each mode maximises its own sum, so that the order of the boxes can never matter.

Limits: `values.MAX_DEPTH`, `answer.MAX_POINTS`, `reference.MAX_TARGETS`, `judging.MAX_POLYGON_PAIRS`,
    `judging.MAX_SHOWN`.
Sources: IoU reward of VLM-R1 and Visual-RFT; optimal matching as in DETR; `hard` is the formula of Curr-ReFT.
"""

from reward_service.rewards.grounding.judging import judge
from reward_service.rewards.grounding.options import Options, ReferenceShape
from reward_service.rewards.grounding.reference import Reference, as_answer, prepare

__all__ = ["Options", "Reference", "ReferenceShape", "as_answer", "judge", "prepare"]
