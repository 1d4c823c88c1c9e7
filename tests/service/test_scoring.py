"""The engine: statuses, components, groups, options, and that no item touches another."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.problems import Problem
from reward_service.profiles import load_profiles
from reward_service.rewards import registry
from reward_service.rewards.reading import Reading
from reward_service.rewards.registry import TASKS
from reward_service.rewards.score import Judgement, Pending, VerifierFailed, VerifierTimeout
from reward_service.scoring import Scorer, Verdict
from reward_service.telemetry import Telemetry
from reward_service.wire import BY_TASK, MIXED, Batch

WELL = "<think>because</think><answer>{}</answer>"


class Verifier:
    """Runs pending work at once, in this process; the real one has tests of its own."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, pending: Pending) -> Judgement:
        self.runs += 1
        return pending.function(*pending.arguments)


def score(batch: Batch, verifier: Verifier | None = None) -> dict[str, object]:
    scorer = Scorer(load_profiles(), verifier or Verifier(), Telemetry())
    return orjson.loads(asyncio.run(scorer.score(batch)))


def choice(*items: dict[str, object], **request: object) -> Batch:
    return BY_TASK["choice"].decode(orjson.dumps({"items": items, **request}))


def grounding(*items: dict[str, object], **request: object) -> Batch:
    return BY_TASK["grounding"].decode(orjson.dumps({"items": items, **request}))


def item(answer: str, reference: object, **fields: object) -> dict[str, object]:
    return {"completion": WELL.format(answer), "reference": reference, **fields}


def with_judge(batch: Batch, index: int, verdict: Verdict) -> Batch:
    """The batch, with the reward of one item replaced by one that says or raises `verdict`."""

    def judge(reading: Reading, reference: object, options: object) -> Judgement | Pending:
        if isinstance(verdict, BaseException):
            raise verdict
        return verdict

    tasks = list(batch.tasks)
    tasks[index] = dataclasses.replace(tasks[index], judge=judge)
    return dataclasses.replace(batch, tasks=tasks)


def test_a_right_and_a_wrong_answer_are_scored_in_order() -> None:
    answer = score(choice(item("B", "B", id="x"), item("C", "B", id=7)))
    assert answer["rewards"] == [1.0, 0.0]
    assert [result["id"] for result in answer["results"]] == ["x", 7]
    assert answer["results"][0]["components"] == {"accuracy": 1.0, "format": 1.0}
    assert answer["results"][0]["status"] == "scored"
    assert answer["service"] == {"version": "0.1.0", "contract": "1"}


def test_the_profile_weighs_the_components_and_is_named_with_its_digest() -> None:
    bare = {"completion": "B", "reference": "B"}
    answer = score(choice(item("B", "B"), bare, profile="curr-reft@1"))
    assert answer["rewards"] == [2.0, 1.0]
    assert answer["profile"]["name"] == "curr-reft"
    assert answer["profile"]["digest"] == load_profiles().resolve("curr-reft").digest


def test_a_reference_that_means_nothing_is_not_scored_and_leaves_its_neighbours() -> None:
    answer = score(grounding(item("[1,2,3,4]", [1, 2, 3, 4]), item("[1,2,3,4]", [1, 1, 1, 1])))
    assert answer["rewards"] == [1.0, None]
    result = answer["results"][1]
    assert (result["status"], result["components"], result["answer"]) == (
        "invalid_reference",
        {},
        "[1,2,3,4]",
    )


@pytest.mark.parametrize(
    ("verdict", "status", "retryable"),
    [
        (VerifierTimeout("the budget ran out"), "verifier_timeout", None),
        (VerifierFailed("a worker died"), "error", True),
        (RuntimeError("a mistake"), "error", False),
        (RecursionError(), "error", False),
        (Judgement(float("nan"), None, ""), "error", False),
        (Judgement(1.5, None, ""), "error", False),
    ],
)
def test_what_a_reward_cannot_say_becomes_the_status_of_its_item_alone(
    verdict: Verdict, status: str, retryable: bool | None
) -> None:
    batch = with_judge(choice(item("A", "A"), item("A", "A"), item("A", "A")), 1, verdict)
    answer = score(batch)
    assert answer["rewards"] == [1.0, None, 1.0]
    assert answer["results"][1]["status"] == status
    assert answer["results"][1].get("retryable") is retryable


def raise_failure(text: str) -> Judgement:
    raise VerifierFailed(text)


def agree(text: str) -> Judgement:
    return Judgement(1.0, text, "They agree.")


def test_pending_work_runs_in_the_verifier_once_for_equal_items() -> None:
    batch = choice(*[item("A", "A")] * 3)
    batch = with_judge(with_judge(batch, 0, Pending(agree, ("x",))), 2, Pending(agree, ("x",)))
    verifier = Verifier()
    assert score(batch, verifier)["rewards"] == [1.0, 1.0, 1.0]
    assert verifier.runs == 1


def test_pending_work_that_fails_is_an_error_of_its_item() -> None:
    batch = with_judge(choice(item("A", "A"), item("A", "A")), 0, Pending(raise_failure, ("died",)))
    answer = score(batch)
    assert answer["rewards"] == [None, 1.0]
    assert answer["results"][0]["retryable"] is True
    assert answer["results"][0]["explanation"] == "died"


@pytest.mark.parametrize("odd", [10**100, "\ud800", {1: 2}, object()])
def test_an_answer_that_json_cannot_carry_is_given_as_text(odd: object) -> None:
    answer = score(with_judge(choice(item("B", "A")), 0, Judgement(1.0, odd, "odd \ud800")))
    assert answer["rewards"] == [1.0]
    assert answer["results"][0]["answer"] == "B"
    assert answer["results"][0]["explanation"] == "odd ?"


def test_a_missing_option_refuses_the_request_by_path() -> None:
    with pytest.raises(Problem) as caught:
        score(
            grounding(
                item("[1,2,3,4]", [1, 2, 3, 4]),
                item("[0,0,1,1]", [1, 2, 3, 4], options={"coordinates": "unit"}),
            )
        )
    assert [error.path for error in caught.value.errors] == ["items[1].options.image_size"]


def test_a_profile_that_is_not_served_refuses_the_request() -> None:
    with pytest.raises(Problem) as caught:
        score(choice(item("A", "A"), profile="curr-reft@9"))
    assert caught.value.kind == "profile-not-served"
    assert "curr-reft@1" in caught.value.detail


HALF = {"completion": WELL.format("[0, 0, 10, 20]"), "reference": [0, 0, 10, 10]}  # IoU 0.5


def test_options_of_the_item_win_over_those_of_the_request_and_those_over_the_profile() -> None:
    request = {"profile": "curr-reft", "options": {"single_mode": "soft"}}
    assert score(grounding(HALF, profile="default"))["rewards"] == [0.5]
    assert score(grounding(HALF, profile="curr-reft"))["rewards"] == [1.0]  # hard: 0, format 1
    assert score(grounding(HALF, **request))["rewards"] == [1.5]
    assert score(grounding({**HALF, "options": {"mode": "hard", "threshold_inclusive": True}}, **request))[
        "rewards"
    ] == [2.0]


def test_the_stage_of_an_item_brings_the_options_of_the_profile() -> None:
    both = score(choice(item("yes", "yes", stage="binary"), item("A", "A"), profile="curr-reft"))
    assert both["rewards"] == [2.0, 2.0]


def test_options_of_a_mixed_batch_go_to_the_tasks_that_know_them() -> None:
    items = [{"task": "grounding", **HALF}, {"task": "choice", **item("A", ["A", "B"])}]
    request = {"items": items, "options": {"mode": "hard", "partial_credit": 0.5}}
    assert score(MIXED.decode(orjson.dumps(request)))["rewards"] == [0.0, 0.5]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"mode": "hard"}, "options.mode"),
        ({"partial_credit": "x"}, "options.partial_credit"),
        ({"chess": 1}, "options.chess"),
    ],
)
def test_options_that_no_task_of_a_mixed_batch_takes_are_named(options: dict[str, object], path: str) -> None:
    batch = MIXED.decode(orjson.dumps({"items": [{"task": "choice", **item("A", "A")}], "options": options}))
    with pytest.raises(Problem) as caught:
        score(batch)
    assert [error.path for error in caught.value.errors] == [path]


def test_groups_describe_the_items_of_the_request() -> None:
    answer = score(
        choice(
            item("A", "A", group="g", difficulty=0.5),
            item("B", "A", group="g"),
            item("A", "A"),
            item("A", "A", group="h"),
        )
    )
    assert list(answer["groups"]) == ["g", "h"]
    group = answer["groups"]["g"]
    assert (group["size"], group["scored"], group["mean"], group["std"]) == (2, 2, 0.5, 0.5)
    assert (group["pass_rate"], group["difficulty"], group["weight"], group["prior"]) == (0.5, 0.5, 1.0, 0.5)
    assert answer["groups"]["h"]["weight"] == 0.0


def results_of(batch: Batch) -> list[bytes]:
    body = asyncio.run(Scorer(load_profiles(), Verifier(), Telemetry()).score(batch))
    return [json.dumps(result).encode() for result in orjson.loads(body)["results"]]


ITEMS = [
    item("A", "A"),
    item("B", "A"),
    item("A, B", ["A", "B"]),
    item("yes", True),
    item("no", "yes", stage="binary"),
    item("A", "A", options={"partial_credit": 0.3}),
    {"completion": "A", "reference": "A", "id": 3},
    item("", "A"),
]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(range(len(ITEMS))), min_size=1, max_size=20), st.data())
def test_an_outcome_depends_neither_on_order_nor_on_neighbours(picks: list[int], data: st.DataObject) -> None:
    alone = [results_of(choice(each, profile="curr-reft"))[0] for each in ITEMS]
    together = results_of(choice(*[ITEMS[pick] for pick in picks], profile="curr-reft"))
    assert together == [alone[pick] for pick in picks]


def test_a_large_batch_gives_the_event_loop_back() -> None:
    batch = choice(*[item("A", "A")] * 4096)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def both() -> None:
        counting = asyncio.create_task(count_turns())
        await Scorer(load_profiles(), Verifier(), Telemetry()).score(batch)
        counting.cancel()

    asyncio.run(both())
    assert turns > 3


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_what_the_catalogue_needs(name: str) -> None:
    task = TASKS[name]
    assert task.summary
    assert task.digest.startswith("sha256:")
    assert task.options()


@pytest.mark.parametrize("name", TASKS)
def test_the_digest_of_a_task_covers_every_module_that_its_scores_come_from(name: str) -> None:
    files = registry.source_files(getattr(registry, name.replace("-", "_")))
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    imported = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
    needed = {module for module in imported if module.startswith("reward_service.")}
    covered = {str(file).removesuffix("/__init__.py").removesuffix(".py") for file in files}
    assert needed
    assert not [m for m in needed if not any(c.endswith(m.replace(".", "/")) for c in covered)]
