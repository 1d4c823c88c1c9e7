"""Problem details, and how pydantic's findings become paths and messages."""

from __future__ import annotations

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from reward_service.field_errors import describe, field_errors, path_of
from reward_service.problems import KINDS, MAX_ERRORS, FieldError, Problem, invalid_fields, respond


class Circle(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")
    centre: tuple[float, float]
    radius: float


class Drawing(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    shapes: list[str | Circle | list[float]]


def errors_of(document: object) -> list[tuple[str, str]]:
    body = orjson.dumps(document)
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Drawing).validate_json(body)
    return [(error.path, error.message) for error in field_errors(caught.value, body)]


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ([], "body"),
        (["items"], "items"),
        (["items", 17, "reference", "boxes", 0], "items[17].reference.boxes[0]"),
        ([0, "a"], "[0].a"),
    ],
)
def test_a_path_reads_like_an_expression(keys: list[int | str], path: str) -> None:
    assert path_of(keys) == path


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "the number 3"),
        (float("nan"), "the number nan"),
        ("x" * 99, "the string 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "an object with 'a'"),
        ({}, "an object with no fields"),
    ],
)
def test_what_came_is_said_in_a_few_words(value: object, words: str) -> None:
    assert describe(value) == words


def test_where_no_member_of_a_union_fits_their_expectations_are_joined() -> None:
    message = "expected a valid string or an object or a valid array, got the number 3"
    assert errors_of({"shapes": [3]}) == [("shapes[0]", message)]


def test_the_member_that_fits_best_speaks_for_the_union() -> None:
    found = errors_of({"shapes": ["ok", {"centre": [1, True], "radius": 2, "colour": 3}]})
    assert found == [
        ("shapes[1].centre[1]", "expected a valid number, got true"),
        ("shapes[1].colour", "unknown field"),
    ]


def test_a_missing_field_is_named_by_the_path_it_should_have() -> None:
    assert errors_of({"shapes": [{"centre": [1, 2]}]}) == [
        ("shapes[0].radius", "expected a value, got nothing")
    ]


def test_each_kind_has_its_status_and_the_media_type_of_rfc_9457() -> None:
    for kind, (status, title) in KINDS.items():
        answer = respond(Problem(kind, "why"))
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert orjson.loads(answer.body) == {
            "type": f"urn:plumbline:problem:{kind}", "title": title, "status": status, "detail": "why",
        }  # fmt: skip


def test_a_long_list_of_bad_fields_is_cut_and_counted() -> None:
    document = orjson.loads(
        respond(invalid_fields([FieldError(f"items[{i}].id", "bad") for i in range(500)])).body
    )
    assert len(document["errors"]) == MAX_ERRORS
    assert document["error_count"] == 500
    assert document["detail"] == "items[0].id: bad (and 499 more)"
