"""What holds for every box: bounds, symmetry, order, spam, duplicates, bad numbers, round trips."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reward_service.rewards import grounding
from reward_service.rewards.grounding.matching import best_of_many
from reward_service.rewards.grounding.overlap import box_overlaps, iou
from reward_service.rewards.reading import Reading
from reward_service.rewards.score import InvalidReference

MODES = ("hard", "soft", "match_mean", "f1")
FINITE = st.floats(allow_nan=False, allow_infinity=False)
PIXELS = st.integers(0, 60).map(float) | st.floats(0, 60)


def boxes(numbers=PIXELS):
    """Boxes that enclose an area."""
    sides = st.tuples(numbers, numbers).map(sorted).filter(lambda side: side[0] < side[1])
    return st.tuples(sides, sides).map(lambda xy: (xy[0][0], xy[1][0], xy[0][1], xy[1][1]))


BOXES = st.lists(boxes(), max_size=12)
OPTIONS = st.builds(
    grounding.Options,
    mode=st.sampled_from([None, *MODES]),
    single_mode=st.sampled_from(["hard", "soft"]),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    threshold_inclusive=st.booleans(),
    label_aware=st.booleans(),
)


def judge(text, reference, options=grounding.Options()):  # noqa: B008  # frozen
    return grounding.judge(
        Reading(text, "answer", "seen", True), grounding.prepare(reference, options), options
    )


def score(predicted, reference, options=grounding.Options()):  # noqa: B008  # frozen
    return judge(json.dumps(predicted), reference, options).accuracy


def as_lists(some):
    return [list(box) for box in some]


@given(boxes(FINITE), boxes(FINITE))
@example((0.0, 0.0, 5e-324, 5e-324), (0.0, 0.0, 5e-324, 5e-324))
@example((-1.7e308, -1.7e308, 1.7e308, 1.7e308), (0.0, 0.0, 5e-324, 1.7e308))
@example((-1.7e308, -1.7e308, 1.7e308, 1.7e308), (-1.7e308, -1.7e308, 1.7e308, 1.7e308))
def test_iou_is_finite_bounded_and_symmetric_for_all_numbers(a, b):
    assert 0.0 <= iou(a, b) <= 1.0
    assert iou(a, b) == iou(b, a)
    assert iou(a, a) == 1.0


@given(st.lists(boxes() | boxes(FINITE), min_size=1, max_size=6), st.lists(boxes(), min_size=1, max_size=6))
def test_arrays_and_plain_python_agree_to_the_last_bit(some, others):
    expected = [[iou(a, b) for b in others] for a in some]
    assert box_overlaps(np.array(some), np.array(others)).tolist() == expected


@given(st.text() | st.text(alphabet="[]{},:\"0123456789.-eE bxoNa'\\"), BOXES, OPTIONS)
def test_any_text_scores_between_0_and_1(text, reference, options):
    assert 0.0 <= judge(text, as_lists(reference), options).accuracy <= 1.0


@given(
    st.lists(st.tuples(*[FINITE] * 4), min_size=1, max_size=8), st.lists(boxes(FINITE), max_size=8), OPTIONS
)
def test_any_finite_numbers_score_between_0_and_1(predicted, reference, options):
    assert 0.0 <= score(as_lists(predicted), as_lists(reference), options) <= 1.0


@given(st.data(), st.lists(boxes(), max_size=14), st.lists(boxes(), max_size=14), OPTIONS)
def test_the_order_of_boxes_changes_no_bit(data, predicted, reference, options):
    shuffled = data.draw(st.permutations(predicted)), data.draw(st.permutations(reference))
    expected = score(as_lists(predicted), as_lists(reference), options)
    assert score(as_lists(shuffled[0]), as_lists(shuffled[1]), options) == expected


def labelled(some, labels):
    return [{"box": list(box), "label": label} for box, label in zip(some, labels, strict=False)]


@given(st.data(), st.lists(boxes(), min_size=3, max_size=14), st.sampled_from(MODES))
def test_the_order_of_labelled_boxes_changes_no_bit(data, some, mode):
    options = grounding.Options(mode=mode, label_aware=True)
    labels = data.draw(st.lists(st.sampled_from(["dog", "cat"]), min_size=len(some), max_size=len(some)))
    reference = {"boxes": labelled(some[::2], labels[1:])}
    predicted = labelled(some, labels)
    assert score(data.draw(st.permutations(predicted)), reference, options) == score(
        predicted, reference, options
    )


FAR = [1000.0, 1000.0, 1010.0, 1010.0]
NO_BOXES = [
    [9, 9, 1, 1],
    [1, 1, 1, 9],
    [1, 2, 3, 4, 5],
    [1, 2, 3],
    [True, False, 3, 4],
    ["1", "2", "3", "4"],
    None,
    {},
]


@given(BOXES, BOXES, OPTIONS, st.sampled_from([FAR, *NO_BOXES]), st.integers(1, 60))
def test_spam_never_raises_a_score(predicted, reference, options, spam, times):
    before = score(as_lists(predicted), as_lists(reference), options)
    assert score(as_lists(predicted) + [spam] * times, as_lists(reference), options) <= before


@given(st.lists(boxes(), min_size=1, max_size=6), boxes(), OPTIONS, st.data())
def test_a_duplicate_never_raises_a_score_for_one_object(predicted, reference, options, data):
    repeated = [*predicted, data.draw(st.sampled_from(predicted))]
    assert score(as_lists(repeated), list(reference), options) <= score(
        as_lists(predicted), list(reference), options
    )


@given(st.lists(boxes(), min_size=1, max_size=6, unique=True), st.data(), st.sampled_from(MODES))
def test_a_full_score_is_lost_by_anything_added(reference, data, mode):
    options = grounding.Options(mode=mode)
    more = [*reference, data.draw(boxes() | st.sampled_from(reference))]
    assert score(as_lists(reference), as_lists(reference), options) == 1.0
    assert score(as_lists(more), as_lists(reference), options) < 1.0


@given(boxes(), boxes(), st.sampled_from(MODES))
def test_a_hedge_in_words_costs_what_a_list_of_both_costs(right, wrong, mode):
    assume(iou(right, wrong) == 0)
    hedge = f"It is {json.dumps(right)} or {json.dumps(wrong)}, surely."
    assert judge(hedge, list(right), grounding.Options(mode=mode)).accuracy == (
        2 / 3 if mode == "f1" else 0.5
    )


BAD_NUMBERS = [
    "NaN",
    "nan",
    "-NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "1e999",
    "-1e999",
    "9" * 400,
    "null",
    "true",
    '"1"',
]


@given(boxes(), st.integers(0, 3), st.sampled_from(BAD_NUMBERS), st.sampled_from(MODES))
def test_a_bad_number_makes_no_box_but_counts(right, position, bad, mode):
    numbers = [str(number) for number in right]
    numbers[position] = bad
    entries = [
        f'{{"bbox_2d": {box}, "label": "dog"}}' for box in (json.dumps(right), f"[{', '.join(numbers)}]")
    ]
    text = f"[{', '.join(entries)}]"
    judgement = judge(
        text,
        {"boxes": [{"box": list(right), "label": "dog"}]},
        grounding.Options(mode=mode, label_aware=True),
    )
    assert judgement.accuracy == (2 / 3 if mode == "f1" else 0.5)
    assert not judgement.well_formed
    assert judgement.answer[1]["box"] is None


COORDINATES = st.sampled_from(["pixel", "unit", "permille", "resized"])
FORMATS = st.sampled_from(["xyxy", "xywh", "cxcywh", "polygon"])
LABELS = st.none() | st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace").decode())


@given(
    st.lists(st.tuples(boxes(st.integers(0, 999)), LABELS), max_size=6), COORDINATES, FORMATS, st.booleans()
)
def test_a_reference_scores_as_its_own_answer(found, coordinates, box_format, label_aware):
    options = grounding.Options(
        coordinates=coordinates,
        image_size=[640, 480],
        resized_size=[644, 476],
        box_format=box_format,
        label_aware=label_aware,
        mode="soft",
    )
    entries = [{"box": list(box), **({} if label is None else {"label": label})} for box, label in found]
    reference = grounding.prepare({"boxes": entries}, options)
    judgement = judge(grounding.as_answer(reference), {"boxes": entries}, options)
    assert judgement.accuracy == pytest.approx(1.0, abs=1e-9)
    assert judgement.well_formed


@given(boxes(FINITE), st.sampled_from(MODES))
def test_a_reference_in_pixels_scores_exactly_1_whatever_its_size(box, mode):
    reference = grounding.prepare(list(box), grounding.Options(mode=mode))
    assert judge(grounding.as_answer(reference), list(box), grounding.Options(mode=mode)).accuracy == 1.0


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=6), boxes())
def test_polygons_score_between_0_and_1_and_1_against_themselves(points, box):
    polygon = {"polygon": [list(point) for point in points]}
    assert 0.0 <= score(polygon, list(box)) <= 1.0
    try:
        reference = grounding.prepare({"polygons": [polygon]}, grounding.Options())
    except InvalidReference:
        assert score(polygon, list(box)) == 0.0
    else:
        assert judge(grounding.as_answer(reference), {"polygons": [polygon]}).accuracy == 1.0


def test_the_matching_is_the_best_of_all_permutations():
    from itertools import permutations

    generator = np.random.default_rng(0)
    for size in (2, 3, 4, 5):
        corners = generator.uniform(0, 20, (2, size, 2))
        some, others = [
            np.concatenate([c, c + generator.uniform(15, 25, (size, 2))], axis=1).tolist() for c in corners
        ]
        best = max(
            math.fsum(iou(some[i], others[j]) for i, j in enumerate(p)) for p in permutations(range(size))
        )
        assert score(some, others, grounding.Options(mode="soft")) == pytest.approx(best / size, abs=1e-12)


def test_the_order_of_many_boxes_changes_no_bit_where_sums_tie():
    # Intervals on a coarse grid: matchings of equal sums, which the solver rounds by the order of its rows.
    generator = np.random.default_rng(1)
    options = grounding.Options(mode="soft")
    for _ in range(600):
        starts, widths = generator.integers(0, 6, (16, 1)), generator.integers(1, 6, (16, 1))
        found = np.concatenate([starts, 0 * starts, starts + widths, 0 * starts + 1], axis=1)
        some, others = found[:8].tolist(), found[8:].tolist()
        assert score(generator.permutation(some).tolist(), others, options) == score(some, others, options)


def test_the_second_best_prediction_is_kept_where_the_best_is_wanted_twice():
    # Both references like the first prediction best; only one may have it.
    worth = np.array([[0.9, 0.9], [0.8, 0.0], *[[0.1, 0.1]] * 10])
    assert best_of_many([worth[:6], worth[6:]]) == pytest.approx(1.7)
