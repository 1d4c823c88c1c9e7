"""What is sent and what is read, without a network."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config import DEFAULT_ROUTES, Route
from trainer.errors import ConfigError
from trainer.items import make_item, route_of, text_of
from trainer.wire import Answer, Item, ItemResult, Problem, request_body

ANSWER = {
    "rewards": [1.5],
    "results": [
        {"id": "a", "reward": 1.5, "status": "scored", "components": {"accuracy": 0.5, "format": 1.0}}
    ],
    "profile": {"name": "p", "version": "1.0.0", "digest": "sha256:0"},
    "service": {"version": "0.1.0", "contract": "1"},
}


def test_an_item_leaves_out_what_is_empty() -> None:
    assert Item(task="math", completion="2", reference="2", id="a").body() == {
        "task": "math",
        "completion": "2",
        "reference": "2",
        "id": "a",
    }


def test_an_item_carries_everything_it_has() -> None:
    body = Item("math", "2", "2", "a", "g", "open", 0.5, {"tolerance": 0.1}).body()
    assert body["group"] == "g"
    assert body["stage"] == "open"
    assert body["difficulty"] == 0.5
    assert body["options"] == {"tolerance": 0.1}


def test_half_a_character_does_not_spoil_the_request() -> None:
    body = Item(task="math", completion="2\ud800", reference="2", id="a").body()
    assert body["completion"] == "2?"


@given(st.floats(-10, 10))
def test_progress_stays_between_0_and_1(progress: float) -> None:
    sent = request_body([], "default", progress)["progress"]
    assert isinstance(sent, float)
    assert 0 <= sent <= 1


def test_no_progress_is_no_field() -> None:
    assert "progress" not in request_body([], "default", None)


def test_an_older_answer_without_optional_fields_is_read() -> None:
    answer = Answer.model_validate(ANSWER)
    assert answer.results[0].usable_reward() == 1.5
    assert answer.groups == {}
    assert answer.results[0].explanation == ""


def test_a_newer_answer_with_more_fields_is_read() -> None:
    newer = {**ANSWER, "trace": {"id": 1}}
    newer["results"] = [{**ANSWER["results"][0], "confidence": 0.9}]
    assert Answer.model_validate(newer).results[0].component("accuracy") == 0.5


@pytest.mark.parametrize("status", ["error", "invalid_reference", "abstained", "SCORED", ""])
def test_a_number_beside_any_other_status_is_no_reward(status: str) -> None:
    result = ItemResult(status=status, reward=1.0, components={"accuracy": 1.0})
    assert result.usable_reward() is None
    assert result.component("accuracy") is None


def test_a_timeout_for_which_the_operator_chose_zero_has_that_reward() -> None:
    assert ItemResult(status="verifier_timeout", reward=0.0).usable_reward() == 0.0
    assert ItemResult(status="verifier_timeout").usable_reward() is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_what_is_not_finite_is_no_reward(value: float | None) -> None:
    result = ItemResult(status="scored", reward=value, components={"accuracy": value})
    assert result.usable_reward() is None
    assert result.component("accuracy") is None


def test_a_problem_names_its_first_fields_on_one_line() -> None:
    errors = [{"path": f"items[{i}].x", "message": "unknown"} for i in range(5)]
    problem = Problem.model_validate({"detail": "5 fields", "errors": errors, "error_count": 5})
    assert problem.text() == ("items[0].x: unknown; items[1].x: unknown; items[2].x: unknown (and 2 more)")


def test_a_problem_without_fields_says_its_detail_or_else_its_title() -> None:
    assert Problem(title="Refused", detail="try later").text() == "try later"
    assert Problem(title="Refused").text() == "Refused"


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("plain", "plain"),
        ([{"role": "assistant", "content": "last"}], "last"),
        ([{"role": "assistant", "content": "first"}, {"role": "assistant", "content": "last"}], "last"),
        (
            [
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}],
                }
            ],
            "ab",
        ),
        ([{"role": "assistant", "content": None}], ""),
        ([], ""),
    ],
)
def test_the_text_of_a_completion_is_that_of_its_last_message(completion: object, text: str) -> None:
    assert text_of(completion) == text


@pytest.mark.parametrize(
    ("task", "form", "name"),
    [("math", "binary", "binary"), ("math", "choice", "choice"), ("detection", "open", "detection")],
)
def test_a_row_goes_by_its_format_or_else_by_its_task(task: str, form: str, name: str) -> None:
    assert route_of(DEFAULT_ROUTES, task, form) == DEFAULT_ROUTES[name]


def test_a_row_without_a_route_is_an_error_that_names_the_routes() -> None:
    with pytest.raises(ConfigError, match=r"no route for 'caption' rows; there are binary, choice, classify"):
        route_of(DEFAULT_ROUTES, "caption", "open")


def test_a_rows_own_options_win_over_its_routes_and_only_those_of_its_task_are_sent() -> None:
    route = Route(task="grounding", options={"coordinates": "unit", "mode": "soft"})
    options = {"grounding": {"coordinates": "pixel"}, "choice": {"choices": ["a"]}}
    item = make_item(route, "x", "y", id="i", form="open", row_options=options)
    assert item.options == {"coordinates": "pixel", "mode": "soft"}
    assert item.stage == "open"
