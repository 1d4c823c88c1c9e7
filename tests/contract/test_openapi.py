"""The committed OpenAPI document: current, valid, and true of the golden exchanges."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from reward_service.app import create_app
from reward_service.settings import Settings
from tests.conftest import ROOT

DOCUMENT = json.loads((ROOT / "contract/v1/openapi.json").read_text())
EXCHANGES = [json.loads(path.read_text()) for path in sorted((ROOT / "contract/v1/golden").glob("*.json"))]


def check(instance: object, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(instance)


def operation(exchange: dict[str, Any]) -> dict[str, Any] | None:
    return DOCUMENT["paths"].get(exchange["path"], {}).get(exchange["method"].lower())


def request_schema(path: str) -> dict[str, Any]:
    return DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


def test_the_committed_document_is_that_of_the_service() -> None:
    assert json.loads(json.dumps(create_app(Settings()).openapi())) == DOCUMENT, "run `make contract`"


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange["name"])
def test_golden_answers_have_the_promised_shape(exchange: dict[str, Any]) -> None:
    described = operation(exchange)
    if described is None:
        assert exchange["status"] in (404, 405)
        check(exchange["response"], DOCUMENT["components"]["schemas"]["ProblemDetails"])
        return
    (content,) = described["responses"][str(exchange["status"])]["content"].values()
    check(exchange["response"], content["schema"])


@pytest.mark.parametrize(
    "exchange", [e for e in EXCHANGES if e["method"] == "POST"], ids=lambda exchange: exchange["name"]
)
def test_the_document_takes_the_golden_requests_that_the_service_takes(exchange: dict[str, Any]) -> None:
    if exchange["status"] == 200:
        check(exchange["request"], request_schema(exchange["path"]))


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("/reward/choice", {"items": []}),
        ("/reward/choice", {"items": [{"completion": "A"}]}),
        ("/reward/choice", {"items": [{"completion": "A", "reference": "A", "weight": 1}]}),
        ("/reward/choice", {"items": [{"completion": "A", "reference": "A", "options": {"mode": "hard"}}]}),
        ("/reward/grounding", {"items": [{"completion": "A", "reference": [1, 2, 3]}]}),
        ("/reward/grounding", {"items": [{"completion": "A", "reference": [1, 2, 3, "4"]}]}),
        ("/reward", {"items": [{"completion": "A", "reference": "A"}]}),
        ("/reward", {"items": [{"task": "choice", "completion": "", "reference": ""}], "options": {"x": 1}}),
        ("/reward", {"completions": ["A"], "references": ["A"]}),
    ],
)  # fmt: skip
def test_the_document_refuses_what_the_service_refuses(path: str, refused: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(refused, request_schema(path))


def test_every_problem_is_described_as_problem_details() -> None:
    for methods in DOCUMENT["paths"].values():
        for described in methods.values():
            for status, response in described["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"]
