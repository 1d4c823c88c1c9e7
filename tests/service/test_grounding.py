"""The grounding reward: references that are refused, what is shown, hostile answers, and the limits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from reward_service.rewards import grounding
from reward_service.rewards.grounding import answer, judging, reference, values
from reward_service.rewards.grounding.matching import Worth, best_of_few, best_of_many
from reward_service.rewards.reading import Reading
from reward_service.rewards.score import BadField, InvalidReference

BOX = [0, 0, 10, 10]
TRIANGLE = [[0, 0], [10, 0], [0, 10]]
DEFAULTS = grounding.Options()


def judge(text, reference=BOX, **options):
    chosen = grounding.Options(**options)
    return grounding.judge(
        Reading(text, "answer", "seen", True), grounding.prepare(reference, chosen), chosen
    )


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ([0, 0, 10], "reference"),
        ([0, 0, 10, 10, 1], "reference"),
        ([0, 0, 10, "10"], "reference[3]"),
        ([0, 0, True, 10], "reference[2]"),
        ([BOX, [0, 0, 10]], "reference[1]"),
        ([BOX, 5], "reference[1]"),
        (True, "reference"),
        ({"boxes": [{"box": [0, 0, 10]}]}, "reference.boxes[0].box"),
        ({"boxes": [{"box": [0, 0, 10, None]}]}, "reference.boxes[0].box[3]"),
        ({"boxes": [{"label": "dog"}]}, "reference.boxes[0]"),
        ({"boxes": [{"box": BOX, "bbox": BOX}]}, "reference.boxes[0]"),
        ({"boxes": [{"box": BOX, "label": 7}]}, "reference.boxes[0].label"),
        ({"boxes": [{"box": BOX, "lable": "dog"}]}, "reference.boxes[0].lable"),
        ({"boxes": 5}, "reference.boxes"),
        ({"boxes": [], "unit": "pixel"}, "reference.unit"),
        ({"boxes": [], "coordinates": "percent"}, "reference.coordinates"),
        ({"boxes": [], "box_format": "polygon"}, "reference.box_format"),
        ({"boxes": [], "image_size": [640]}, "reference.image_size"),
        ({"boxes": [], "image_size": [0, 480]}, "reference.image_size"),
        ({"boxes": [], "coordinates": "unit"}, "options.image_size"),
        ({"polygons": [{"polygon": [[0, 0], [1, 1]]}]}, "reference.polygons[0].polygon"),
        ({"polygons": [{"polygon": 5}]}, "reference.polygons[0].polygon"),
        ({"polygons": [{"polygon": [[0, 0], [1, 1], [1]]}]}, "reference.polygons[0].polygon[2]"),
        ([BOX] * (reference.MAX_TARGETS + 1), "reference"),
    ],
)
def test_a_reference_of_the_wrong_shape_is_a_bad_field_named_by_path(given, path):
    with pytest.raises(BadField) as error:
        grounding.prepare(given, DEFAULTS)
    assert error.value.path == path


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"coordinates": "unit"}, "options.image_size"),
        ({"coordinates": "permille"}, "options.image_size"),
        ({"coordinates": "resized", "resized_size": [28, 28]}, "options.image_size"),
        ({"coordinates": "resized", "image_size": [28, 28]}, "options.resized_size"),
    ],
)
@pytest.mark.parametrize("given", [BOX, "[0, 0, 10, 10]"])
def test_a_missing_size_is_a_bad_field_whatever_the_reference(given, options, path):
    with pytest.raises(BadField) as error:
        grounding.prepare(given, grounding.Options(**options))
    assert error.value.path == path


def test_an_image_size_that_contradicts_the_options_is_a_bad_field():
    with pytest.raises(BadField, match=r"reference\.image_size: \[640.0, 480.0\] is not options.image_size"):
        grounding.prepare({"boxes": [], "image_size": [640, 480]}, grounding.Options(image_size=[480, 640]))


def test_the_references_image_size_serves_the_predictions_too():
    given = {"boxes": [{"box": [0, 0, 320, 240]}], "image_size": [640, 480]}
    assert judge("[0, 0, 0.5, 0.5]", given, coordinates="unit").accuracy == 1.0


@pytest.mark.parametrize(
    "given",
    [
        [10, 10, 0, 0],
        [0, 0, 0, 10],
        [0, 0, float("nan"), 10],
        [0, 0, float("inf"), 10],
        [0, 0, 10**400, 10],
        [0.0, 0.0, -(10**400), 10],
        [BOX, [0, 0, 10, 0]],
        {"boxes": [{"box": [0, 0, -10, 10]}], "box_format": "xywh"},
        {"polygons": [{"polygon": [[0, 0], [10, 10], [10, 0], [0, 10]]}]},
        {"polygons": [{"polygon": [[0, 0], [10, 10], [20, 20]]}]},
        {"polygons": [{"polygon": [[0, 0], [1e308, 0], [0, 1e308]]}]},
        {"polygons": [{"polygon": [[0, 0], [float("nan"), 0], [0, 10]]}]},
        "",
        "the dog",
        "[0, 0, 10]",
        "[0, 0, NaN, 10]",
        "[0, 0, 1e999, 10]",
        "[10, 10, 0, 0]",
        '{"boxes": [{"box": [0, 0, 10, 10], "lable": "dog"}]}',
        "<answer>none</answer>",
        "[" * 2000,
    ],
)
def test_a_reference_that_means_nothing_is_invalid(given):
    with pytest.raises(InvalidReference):
        grounding.prepare(given, DEFAULTS)


@pytest.mark.parametrize(
    "given",
    [
        BOX,
        [BOX],
        {"boxes": [{"box": BOX, "label": None}]},
        {"box": BOX},
        [{"bbox_2d": BOX}],
        "[0, 0, 10, 10]",
        "[[0, 0, 10, 10]]",
        '{"boxes": [{"box": [0, 0, 10, 10]}]}',
        '<answer>[{"Position": [0, 0, 10, 10], "Confidence": 1}]</answer>',
        "<answer>[{'Position': [0, 0, 10, 10], 'Confidence': 1}]</answer>",
        '```json\n[{"bbox_2d": [0, 0, 10, 10]}]\n```',
    ],
)
def test_every_way_of_writing_a_reference_is_the_same_reference(given):
    assert grounding.prepare(given, DEFAULTS) == grounding.prepare(BOX, DEFAULTS)
    assert len({grounding.prepare(given, DEFAULTS), grounding.prepare(BOX, DEFAULTS)}) == 1


def test_boxes_and_polygons_may_stand_in_one_reference():
    given = {"boxes": [{"box": [20, 0, 30, 10]}], "polygons": [{"polygon": TRIANGLE}]}
    assert judge(json.dumps([{"polygon": TRIANGLE}, {"box": [20, 0, 30, 10]}]), given).accuracy == 1.0


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        (BOX, True),
        ([BOX], True),
        ([], True),
        ({"boxes": [{"box": BOX, "label": "dog"}], "coordinates": "pixel", "image_size": [640, 480]}, True),
        ({"polygons": [{"polygon": TRIANGLE}]}, True),
        ("[0, 0, 10, 10]", True),
        ([0, 0, 10], False),
        ([0, 0, True, 10], False),
        ({"boxes": [{"box": [0, 0, 10]}]}, False),
        ({"boxes": [{"label": "dog"}]}, False),
        ({}, False),
        (5, False),
    ],
)
def test_the_shape_of_references_is_what_the_wire_validates(given, valid):
    adapter = TypeAdapter(grounding.ReferenceShape)
    if valid:
        assert grounding.prepare(adapter.validate_json(json.dumps(given), strict=True), DEFAULTS) is not None
    else:
        with pytest.raises(ValidationError):
            adapter.validate_json(json.dumps(given), strict=True)


@pytest.mark.parametrize(
    "options",
    [
        {"iou_threshold": 1.5},
        {"image_size": [640]},
        {"image_size": [0, 480]},
        {"mode": "giou"},
        {"label_aware": 1},
    ],
)
def test_options_out_of_range_are_refused_by_their_types(options):
    adapter = TypeAdapter(grounding.Options)
    with pytest.raises(ValidationError):
        adapter.validate_json(json.dumps(options), strict=True)


def test_the_answer_is_shown_in_original_pixels_with_labels():
    shown = judge(
        '{"bbox_2d": [0, 0, 0.5, 0.5], "label": "dog"}', coordinates="unit", image_size=[64, 48]
    ).answer
    assert shown == [{"box": [0.0, 0.0, 32.0, 24.0], "label": "dog"}]
    assert judge(json.dumps({"polygon": TRIANGLE})).answer == [{"polygon": TRIANGLE}]
    assert judge("[1, 2]").answer == [{"box": None}]
    assert judge("nothing").answer is None


def test_a_long_answer_is_shown_in_part_and_counted_in_full():
    judgement = judge(json.dumps([BOX] * 1000), mode="soft")
    assert len(judgement.answer) == judging.MAX_SHOWN
    assert judgement.explanation.startswith("soft: the best matching of 1000 predicted and 1 reference boxes")
    assert judgement.accuracy == 0.001


def test_few_and_many_boxes_are_matched_alike():
    generator = np.random.default_rng(0)
    matrix = generator.uniform(0, 1, (30, 4)) * (generator.uniform(0, 1, (30, 4)) > 0.7)
    assert best_of_few(matrix.tolist()) == pytest.approx(best_of_many([matrix[:11], matrix[11:]]), abs=1e-12)


def test_a_hit_at_the_threshold_is_the_same_for_one_pair_and_for_arrays():
    overlaps = [0.0, 0.3, 0.5, 0.7, 1.0]
    for mode in ("hard", "soft", "match_mean", "f1"):
        for threshold in overlaps:
            for inclusive in (False, True):
                worth = Worth(mode, threshold, inclusive)
                assert worth.of_all(np.array(overlaps)).tolist() == [
                    worth.of(overlap) for overlap in overlaps
                ]


@pytest.mark.parametrize("spare", [1, 100])
def test_labels_are_compared_the_same_way_for_few_and_many_boxes(spare):
    given = {"boxes": [{"box": BOX, "label": "dog"}, {"box": [20, 0, 30, 10]}]}
    found = [{"box": BOX, "label": "DOG "}, {"box": [20, 0, 30, 10], "label": "any"}]
    found += [{"box": BOX, "label": "cat"}] * spare
    assert judge(json.dumps(found), given, label_aware=True).accuracy == 2 / (2 + spare)


def test_labels_of_polygons_are_compared():
    given = {"polygons": [{"polygon": TRIANGLE, "label": "sail"}]}
    text = json.dumps([{"polygon": TRIANGLE, "label": "kite"}, {"polygon": TRIANGLE, "label": "Sail"}])
    assert judge(text, given, label_aware=True).accuracy == 0.5
    assert (
        judge('[{"polygon": [[0, 0], [10, 0], [0, 10]], "label": "kite"}]', given, label_aware=True).accuracy
        == 0
    )


HOSTILE = [
    "[", "[1,", '{"bbox_2d":', '{"bbox_2d":[', "]", "[]", "[]]", "[x]", '["', "{'a':", "\\", '"', '["\\"',
    "[nan,", "1e999,", "[[[[[[[[x]]]]]]]]", "[ ", "{}", "[1,2,3,4] ", "<|box_start|>",
    "<|box_start|>(1,2),(3,4)",
    "<|object_ref_start|>", "1" * 310 + " ", "9", "1.", "-", "```", "[1,2,3,4,", "\u0000", "[[1,2],",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_hostile_text_is_harmless_and_worth_nothing(piece):
    for text in (
        piece * (1_000_000 // len(piece)),
        "[" + piece * (500_000 // len(piece)),
        "[" * 500 + piece * 300 + "]" * 500,
    ):
        assert judge(text).accuracy < 0.001


def test_texts_at_the_limits_are_read():
    around = "[x] " * (values.MAX_MARKS // 2 - 1)
    assert judge(around + str(BOX)).accuracy == 1.0
    assert judge(around + str(BOX) + "[x]").accuracy == 0.0
    assert judge("[" * 600 + str(BOX) + "]" * 600 + " and").accuracy == 0.0
    assert judge("prose [" * 600 + str(BOX)).accuracy == 1.0


def test_brackets_too_deep_for_a_value_are_prose_around_the_values_in_them():
    text = "(x [ " * 20 + f"{BOX} and {[20, 0, 30, 10]}" + " ]" * 20
    assert judge(text, [BOX, [20, 0, 30, 10]]).accuracy == 1.0


def test_values_after_an_unpaired_bracket_are_found_in_their_order():
    assert values.find_values("[1] :-[ [2] { [3] [4]").values == [[1], [2], [3], [4]]
    assert not values.find_values("[1] :-[ [2]").complete


def test_a_quote_that_is_never_closed_ends_with_its_line():
    assert judge(f'[a 5" screen\nshows {BOX}]').accuracy == 1.0


def test_a_ten_thousand_boxes_count_without_a_huge_matrix():
    found = [[100 + i % 7, 100, 120, 120] for i in range(10_000)] + [BOX]
    many = [[20 * i, 0, 20 * i + 10, 10] for i in range(30)]
    assert judge(json.dumps(found), mode="soft").accuracy == 1 / 10_001
    assert judge(json.dumps(found), many, mode="hard").accuracy == 1 / 10_001


def test_limits_of_polygons():
    circle = [[index, index**2] for index in range(answer.MAX_POINTS + 1)]
    judgement = judge(json.dumps({"polygon": circle}))
    assert judgement.accuracy == 0.0
    assert judgement.well_formed
    many = [{"polygon": TRIANGLE}] * (judging.MAX_POLYGON_PAIRS + 1)
    assert judge(json.dumps(many), {"polygons": [{"polygon": TRIANGLE}]}).accuracy == 0.0


@pytest.mark.parametrize(
    ("text", "predicted"),
    [
        ('{"boxes": 5}', 1),
        ('{"boxes": [[0, 0, 10, 10]], "polygons": [{"polygon": [[0, 0], [10, 0], [0, 10]]}]}', 2),
        ('{"bbox_2d": []}', 1),
        ('{"bbox_2d": {"x1": 0}}', 1),
        ('{"bbox_2d": [[0, 0, 10, 10], 5]}', 2),
        ("[[[0, 0, 10, 10]]]", 1),
        ("[[]]", 1),
        ("{}", 1),
        ("[01, 2, 3, 4] or [1, 2, 3, +4]", 2),
        ("<|box_start|>5<|box_end|>", 1),
        ("<|box_start|>(0,0)<|box_end|>", 1),
    ],
)
def test_what_is_no_box_counts_as_predicted(text, predicted):
    assert len(judge(text).answer) == predicted
    assert judge(text, []).accuracy == 0.0


def test_box_tokens_hold_polygons_where_polygons_are_asked_for():
    text = "<|box_start|>(0,0),(10,0),(0,10)<|box_end|>"
    given = {"polygons": [{"polygon": TRIANGLE}]}
    assert judge(text, given, box_format="polygon").accuracy == 1.0
    assert judge(text, given).accuracy == 0.0


def test_an_object_reference_names_all_boxes_up_to_the_next_one():
    def box(x):
        return f"<|box_start|>({x},0),({x + 10},10)<|box_end|>"

    dog, cat = (f"<|object_ref_start|>{label}<|object_ref_end|>" for label in ("dog", "cat"))
    text = f"{dog}{box(0)}{box(20)}{cat}{box(40)}"
    assert [each["label"] for each in judge(text).answer] == ["dog", "dog", "cat"]
