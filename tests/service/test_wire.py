"""What the wire takes, and how it names what it does not take."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reward_service.problems import Problem
from reward_service.wire import BY_TASK, MIXED, Batch, Requests

ITEM = {"completion": "A", "reference": "A"}
BOX = {"completion": "[1, 2, 3, 4]", "reference": [1, 2, 3, 4]}


def decode(request: object, requests: Requests = BY_TASK["choice"]) -> Batch:
    return requests.decode(request if isinstance(request, bytes) else orjson.dumps(request))


def refusal(request: object, requests: Requests = BY_TASK["choice"]) -> Problem:
    with pytest.raises(Problem) as caught:
        decode(request, requests)
    return caught.value


def problem_with(request: object, requests: Requests) -> Problem | None:
    try:
        decode(request, requests)
    except Problem as problem:
        return problem
    return None


def paths(request: object, requests: Requests = BY_TASK["choice"]) -> list[str]:
    return [error.path for error in refusal(request, requests).errors]


def test_an_item_needs_a_completion_and_a_reference_only() -> None:
    batch = decode({"items": [ITEM]})
    assert batch.items[0].completion == "A"
    assert batch.profile == "default"
    assert batch.tasks[0].name == "choice"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nope", b'{"items": []} x', b'"\\ud800"', b'{"a": "\xff"}', b"[" * 10_000]
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    assert refusal(body).kind == "malformed-json"


@pytest.mark.parametrize("body", [b"3", b"null", b"[]", b'"text"', b"NaN"])
def test_json_that_is_no_object_is_a_bad_body(body: bytes) -> None:
    problem = refusal(body)
    assert problem.kind == "invalid-request"
    assert problem.errors[0].path == "body"


@pytest.mark.parametrize("size", [0, 4097])
def test_a_batch_has_1_to_4096_items(size: int) -> None:
    assert paths({"items": [ITEM] * size}) == ["items"]


def test_4096_items_are_taken() -> None:
    assert len(decode({"items": [ITEM] * 4096}).items) == 4096


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"completion": 3}, "items[0].completion"),
        ({"completion": None}, "items[0].completion"),
        ({"completion": [{"content": "A"}]}, "items[0].completion[0].role"),
        ({"completion": [{"role": "x", "content": [{"text": 3}]}]}, "items[0].completion[0].content[0].text"),
        ({"reference": 3}, "items[0].reference"),
        ({"reference": ["A", 3]}, "items[0].reference[1]"),
        ({"id": True}, "items[0].id"),
        ({"id": 2**63}, "items[0].id"),
        ({"group": 3}, "items[0].group"),
        ({"stage": "last"}, "items[0].stage"),
        ({"difficulty": 1.01}, "items[0].difficulty"),
        ({"difficulty": "0.5"}, "items[0].difficulty"),
        ({"difficulty": True}, "items[0].difficulty"),
        ({"options": {"unheard_of": 1}}, "items[0].options.unheard_of"),
        ({"options": []}, "items[0].options"),
        ({"task": "choice"}, "items[0].task"),
        ({"rewards": 1}, "items[0].rewards"),
    ],
)  # fmt: skip
def test_a_bad_field_of_an_item_is_named_by_its_path(change: dict[str, object], path: str) -> None:
    assert paths({"items": [{**ITEM, **change}]}) == [path]


def test_every_bad_field_is_listed() -> None:
    bad = {"items": [ITEM, {"completion": 1, "reference": "A", "x": 2}, {"reference": "A"}], "progress": 2}
    assert sorted(paths(bad)) == ["items[1].completion", "items[1].x", "items[2].completion", "progress"]


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1" + b"0" * 400, b"true", b'"1"']
)
def test_a_coordinate_is_a_finite_number(number: bytes) -> None:
    body = b'{"items": [{"completion": "x", "reference": {"boxes": [{"box": [1, 2, 3, ' + number + b"]}]}}]}"
    assert paths(body, BY_TASK["grounding"]) == ["items[0].reference.boxes[0].box[3]"]


def test_a_reference_is_blamed_where_the_best_fitting_shape_breaks() -> None:
    request = {"items": [{**BOX, "reference": {"boxes": [{"box": [1, 2, 3, 4], "lable": "dog"}]}}]}
    assert paths(request, BY_TASK["grounding"]) == ["items[0].reference.boxes[0].lable"]


def test_a_message_says_what_was_expected_and_what_came() -> None:
    error = refusal({"items": [{**ITEM, "difficulty": "hard"}]}).errors[0]
    assert error.message == "expected a valid number, got the string 'hard'"


@pytest.mark.parametrize("text", ["\u0000", "a\u0000b", "\U0001f600", "\u2028", "\ufffe"])
def test_any_text_is_taken(text: str) -> None:
    assert decode({"items": [{"completion": text, "reference": text or "A"}]}).items[0].completion == text


def test_messages_may_carry_the_chat_formats_own_fields() -> None:
    message = {
        "role": "assistant",
        "content": [{"type": "image", "image": "x"}, {"type": "text", "text": "A"}],
        "name": "x",
    }
    completion = decode({"items": [{**ITEM, "completion": [message]}]}).items[0].completion
    assert completion == [
        {"role": "assistant", "content": [{"type": "image"}, {"type": "text", "text": "A"}]}
    ]


def test_columns_mean_the_same_batch() -> None:
    columns = {"completions": ["A", "B"], "references": ["A", "C"], "groups": ["g", None], "progress": 0.5}
    items = {
        "items": [{"completion": "A", "reference": "A", "group": "g"}, {"completion": "B", "reference": "C"}],
        "progress": 0.5,
    }
    by_column, by_item = decode(columns), decode(items)
    assert [i.model_dump() for i in by_column.items] == [i.model_dump() for i in by_item.items]
    assert by_column.progress == by_item.progress == 0.5


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"references": ["A"]}, "references"),
        ({"groups": ["g"]}, "groups"),
        ({"groups": []}, "groups"),
        ({"references": ["A", 3]}, "references[1]"),
        ({"completions": ["A", None]}, "completions[1]"),
        ({"ids": ["A", "B"]}, "ids"),
    ],
)
def test_a_bad_column_is_named(change: dict[str, object], path: str) -> None:
    assert paths({"completions": ["A", "B"], "references": ["A", "B"], **change}) == [path]


def test_columns_name_no_task_so_the_mixed_route_has_none() -> None:
    assert "completions" in paths({"completions": ["A"], "references": ["A"]}, MIXED)


def test_each_item_of_a_mixed_batch_names_its_task() -> None:
    request = {"items": [{**ITEM, "task": "choice"}, {**BOX, "task": "grounding"}]}
    assert [task.name for task in decode(request, MIXED).tasks] == ["choice", "grounding"]


@pytest.mark.parametrize(
    "item", [ITEM, {**ITEM, "task": "chess"}, {**ITEM, "task": None}, {**ITEM, "task": 3}]
)
def test_an_item_of_a_mixed_batch_without_a_known_task_is_named(item: dict[str, object]) -> None:
    assert paths({"items": [item]}, MIXED) == ["items[0].task"]


def test_a_field_of_another_task_is_unknown_in_a_mixed_batch() -> None:
    request = {"items": [{**ITEM, "task": "choice", "options": {"iou_threshold": 0.5}}]}
    assert paths(request, MIXED) == ["items[0].options.iou_threshold"]


def test_request_options_are_checked_like_those_of_items() -> None:
    assert paths({"items": [BOX], "options": {"iou_threshold": 2}}, BY_TASK["grounding"]) == [
        "options.iou_threshold"
    ]


JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["completion", "reference", "options", "id", "group", "task", "x"]), JSONS
    )
)
def test_whatever_an_item_is_it_is_taken_or_refused_by_path(item: dict[str, object]) -> None:
    for requests in (*BY_TASK.values(), MIXED):
        problem = problem_with({"items": [item]}, requests)
        assert problem is None or problem.kind == "invalid-request"
        assert problem is None or all(error.path.startswith("items[0]") for error in problem.errors)
