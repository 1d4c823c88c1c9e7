"""The trainer's side of the contract: what it sends is valid, and it reads every answer of contract 1."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.conftest import ROOT
from trainer.answers import check_contract, read_answer
from trainer.config import DEFAULT_ROUTES, Route, RunConfig
from trainer.data.rows import Row
from trainer.items import make_item, route_of
from trainer.preflight import reference_item
from trainer.probes import probe, routes_to_probe
from trainer.wire import CONTRACT, Answer, Item, Problem, ServiceIdentity, request_body

DOCUMENT = json.loads((ROOT / "contract" / "v1" / "openapi.json").read_text())
GOLDEN = [
    json.loads(path.read_text()) for path in sorted((ROOT / "contract" / "v1" / "golden").glob("*.json"))
]
ANSWERS = [golden for golden in GOLDEN if golden["status"] == 200 and golden["method"] == "POST"]
PROBLEMS = [golden for golden in GOLDEN if golden["status"] >= 400]

Rewards = tuple[float | None, ...]


def names(golden: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in golden]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    content = DOCUMENT["paths"]["/reward"]["post"]["requestBody"]["content"]
    schema = content["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def assert_valid(validator: Draft202012Validator, items: list[Item], progress: float | None = None) -> None:
    body = json.loads(json.dumps(request_body(items, "curr-reft@1", progress), allow_nan=False))
    assert [error.message for error in validator.iter_errors(body)] == []


def test_the_validator_refuses_what_the_service_refuses(validator: Draft202012Validator) -> None:
    good = Item(task="math", completion="2", reference="2", id="a")
    assert not validator.is_valid({**request_body([good], "default", None), "weights": {}})
    assert not validator.is_valid({"items": [{**good.body(), "task": "maths"}]})
    assert not validator.is_valid({"items": []})


ROW_OPTIONS = {
    "choice": {"choices": {"A": "a red car", "B": "a bus"}},
    "grounding": {"coordinates": "resized", "image_size": [640, 480], "resized_size": [644, 476]},
}


@pytest.mark.parametrize("form", ["binary", "choice", "open"])
@pytest.mark.parametrize("task", ["detection", "classify", "math", "coco_vqa"])
@given(
    completion=st.text(),
    group=st.text() | st.none(),
    progress=st.floats(0, 1) | st.none(),
    options=st.sampled_from([None, ROW_OPTIONS]),
)
def test_every_rollout_is_a_valid_request(
    validator: Draft202012Validator,
    task: str,
    form: Any,
    completion: str,
    group: str | None,
    progress: float | None,
    options: Any,
) -> None:
    route = route_of(DEFAULT_ROUTES, task, form)
    item = make_item(route, completion, "reference", id="0:x", form=form, group=group, row_options=options)
    assert_valid(validator, [item], progress)


def test_every_probe_is_a_valid_request(validator: Draft202012Validator) -> None:
    stages = [
        {"name": form, "format": form, "data": [{"path": "x.jsonl"}], "max_steps": 1}
        for form in ("binary", "choice", "open")
    ]
    config = RunConfig.model_validate({"output_dir": "out", "model": {"path": "m"}, "stages": stages})
    routes = routes_to_probe(config)
    assert {name for _, name, _ in routes} == DEFAULT_ROUTES.keys()
    assert_valid(validator, [probe(route, form) for (_, _, form), route in routes.items()], 0.0)


@pytest.mark.parametrize("task", ["choice", "open-ended", "grounding", "math"])
def test_every_reference_scored_by_itself_is_a_valid_request(
    validator: Draft202012Validator, task: Any
) -> None:
    config = RunConfig.model_validate(
        {
            "output_dir": "out",
            "model": {"path": "m"},
            "reward": {"routes": {"mine": Route(task=task)}},
            "stages": [{"name": "s", "format": "open", "data": [{"path": "x.jsonl"}], "max_steps": 1}],
        }
    )
    choices = {"A": "x"} if task == "choice" else None
    row = Row("r", "problem", "solution", "mine", Path("image.png"), (4, 4), "open", choices, "x.jsonl:1")
    assert_valid(validator, [reference_item(row, config.reward, "0")])


def test_the_trainer_speaks_the_contract_of_the_document() -> None:
    versions = [golden["response"] for golden in GOLDEN if golden["path"] == "/version"]
    assert versions
    for version in versions:
        assert ServiceIdentity.model_validate(version).contract == CONTRACT


def items_of(golden: dict[str, Any]) -> list[Item]:
    """Items with the ids of the golden answer; order and ids are all that reading needs of them."""
    return [
        Item(task="math", completion="", reference="", id=result["id"])
        for result in golden["response"]["results"]
    ]


def rewards_of(golden: dict[str, Any], answer: dict[str, Any]) -> Rewards:
    came = answer["profile"]
    profile = f"{came['name']}@{came['version'].split('.')[0]}"
    read = read_answer(json.dumps(answer).encode(), items_of(golden), profile)
    return tuple(result.usable_reward() for result in read.results)


@pytest.mark.parametrize("golden", ANSWERS, ids=names(ANSWERS))
def test_every_golden_answer_is_read_with_its_rewards(golden: dict[str, Any]) -> None:
    assert rewards_of(golden, golden["response"]) == tuple(golden["response"]["rewards"])


def add_fields_everywhere(answer: dict[str, Any]) -> None:
    answer["trace"] = {"spans": []}
    answer["profile"]["channel"] = "stable"
    answer["service"]["region"] = "here"
    for entry in [*answer["results"], *answer["groups"].values()]:
        entry["confidence"] = 0.5
    for result in answer["results"]:
        if result["status"] == "scored":
            result["components"]["consistency"] = 1.0


def drop_optional_fields(answer: dict[str, Any]) -> None:
    answer.pop("groups")
    for result in answer["results"]:
        for name in ("answer", "explanation", "components", "retryable"):
            result.pop(name, None)


@pytest.mark.parametrize("change", [add_fields_everywhere, drop_optional_fields])
@pytest.mark.parametrize("golden", ANSWERS, ids=names(ANSWERS))
def test_newer_and_older_answers_give_the_same_rewards(
    golden: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    answer = copy.deepcopy(golden["response"])
    change(answer)
    assert rewards_of(golden, answer) == tuple(golden["response"]["rewards"])


@pytest.mark.parametrize("golden", ANSWERS, ids=names(ANSWERS))
def test_a_status_that_the_trainer_does_not_know_is_no_reward(golden: dict[str, Any]) -> None:
    answer = copy.deepcopy(golden["response"])
    for result in answer["results"]:
        result["status"] = "deferred"
    assert set(rewards_of(golden, answer)) == {None}


@pytest.mark.parametrize("golden", ANSWERS, ids=names(ANSWERS))
def test_groups_of_golden_answers_are_read(golden: dict[str, Any]) -> None:
    answer = Answer.model_validate(golden["response"])
    check_contract(answer.service)
    assert {name: group.size for name, group in answer.groups.items()} == {
        name: group["size"] for name, group in golden["response"]["groups"].items()
    }


@pytest.mark.parametrize("golden", PROBLEMS, ids=names(PROBLEMS))
def test_every_golden_problem_is_told_in_the_services_words(golden: dict[str, Any]) -> None:
    text = Problem.model_validate(golden["response"]).text()
    errors = golden["response"].get("errors", [])
    assert text == golden["response"]["detail"] or errors[0]["path"] in text


def test_there_are_golden_answers_and_problems() -> None:
    assert ANSWERS
    assert PROBLEMS
