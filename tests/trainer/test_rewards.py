"""The reward function as TRL calls it, answered by the real service."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.proxy import FaultProxy, JSONObject, edit
from trainer.client import RewardClient
from trainer.config import RewardConfig
from trainer.errors import ConfigError, TooManyUnscored
from trainer.rewards import RemoteReward, ScoredBatch

RIGHT = "<think>I see.</think><answer>{}</answer>"


@dataclass
class State:
    global_step: int = 5
    max_steps: int = 20


@pytest.fixture
def between(reward_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(reward_url) as own:
        yield own


@pytest.fixture
def client(between: FaultProxy) -> Iterator[RewardClient]:
    with RewardClient(RewardConfig(url=between.url)) as own:
        yield own


def as_messages(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def call(reward: RemoteReward, completions: list[str], **columns: Any) -> list[float | None]:
    """Call as GRPOTrainer does, with columns and callbacks that the function does not know."""
    size = len(completions)
    given: dict[str, Any] = {
        "reference": ["yes"] * size,
        "task": ["detection"] * size,
        "format": ["binary"] * size,
        "row_id": [f"row-{i // 2}" for i in range(size)],
        "row_options": ["{}"] * size,
    }
    return reward(
        prompts=[[{"role": "user", "content": [{"type": "text", "text": "Is it?"}, {"type": "image"}]}]]
        * size,
        completions=[as_messages(text) for text in completions],
        completion_ids=[[1, 2]] * size,
        image=[None] * size,
        trainer_state=State(),
        log_extra=lambda *_: None,
        **(given | columns),
    )


def test_each_completion_gets_the_reward_of_its_own_answer(client: RewardClient, between: FaultProxy) -> None:
    reward = RemoteReward(client, RewardConfig())
    assert call(reward, [RIGHT.format("yes"), RIGHT.format("no"), "yes", ""]) == [2.0, 1.0, 1.0, 0.0]
    sent = json.loads(between.requests[0])
    assert sent["profile"] == "curr-reft@1"
    assert sent["progress"] == 0.25
    assert [item["group"] for item in sent["items"]] == ["row-0", "row-0", "row-1", "row-1"]
    assert {item["stage"] for item in sent["items"]} == {"binary"}


def test_a_mixed_batch_goes_by_format_and_task_in_one_request(
    client: RewardClient, between: FaultProxy
) -> None:
    rewards = call(
        RemoteReward(client, RewardConfig(profile="default")),
        ["no", "B", "a green bus", "[0, 0, 500, 500]", "2+2"],
        reference=["no", "B", "B", "[0, 0, 50, 50]", "4"],
        task=["math", "classify", "classify", "detection", "math"],
        format=["binary", "choice", "choice", "open", "open"],
        row_options=[
            "{}",
            "{}",
            json.dumps({"choice": {"choices": {"A": "a red car", "B": "a green bus"}}}),
            json.dumps({"grounding": {"coordinates": "permille", "image_size": [100, 100]}}),
            "{}",
        ],
    )
    assert rewards == [1.0, 1.0, 1.0, 1.0, 1.0]
    assert len(between.requests) == 1
    assert [item["task"] for item in between.items(0)] == ["choice", "choice", "choice", "grounding", "math"]


def test_what_cannot_be_judged_is_none_and_its_neighbours_keep_their_rewards(client: RewardClient) -> None:
    rewards = call(
        RemoteReward(client, RewardConfig(max_unscored=0.5)),
        [RIGHT.format("[1, 1, 9, 9]")] * 2,
        reference=["[1, 1, 9, 9]", "[5, 5, 5, 5]"],
        format=["open", "open"],
    )
    assert rewards == [2.0, None]


def test_metrics_are_means_over_what_was_judged(client: RewardClient) -> None:
    logged: dict[str, float] = {}
    call(
        RemoteReward(client, RewardConfig(max_unscored=0.5)),
        [RIGHT.format("[1, 1, 9, 9]"), "[1, 1, 9, 9]", RIGHT.format("[50, 50, 90, 90]"), "[1, 1, 9, 9]"],
        reference=["[1, 1, 9, 9]"] * 3 + ["[5, 5, 5, 5]"],
        format=["open"] * 4,
        log_metric=logged.__setitem__,
    )
    assert logged["accuracy"] == pytest.approx(2 / 3)
    assert logged["format"] == pytest.approx(2 / 3)
    assert logged["unscored"] == 0.25
    assert logged["reward_wait_s"] > 0


def test_nothing_judged_logs_no_accuracy(client: RewardClient) -> None:
    logged: dict[str, float] = {}
    reward = RemoteReward(client, RewardConfig(max_unscored=1.0))
    rewards = call(reward, ["x"], reference=["[5, 5, 5, 5]"], format=["open"], log_metric=logged.__setitem__)
    assert rewards == [None]
    assert logged.keys() == {"unscored", "reward_wait_s"}


def test_too_many_without_a_reward_stop_the_step_after_the_batch_was_kept(client: RewardClient) -> None:
    kept: list[ScoredBatch] = []
    reward = RemoteReward(client, RewardConfig(max_unscored=0.4), kept.append)
    with pytest.raises(
        TooManyUnscored, match=r"1 of 2 completions .*1 invalid_reference.*row row-0"
    ) as caught:
        call(reward, ["[1, 1, 2, 2]"] * 2, reference=["[1, 1, 2, 2]", "[5, 5, 5, 5]"], format=["open"] * 2)
    assert caught.value.exit_code == 5
    assert kept[0].unscored == 0.5


def test_the_share_itself_is_still_allowed(client: RewardClient) -> None:
    reward = RemoteReward(client, RewardConfig(max_unscored=0.5))
    assert call(reward, ["[1, 1, 2, 2]"] * 2, reference=["[1, 1, 2, 2]", "[5, 5, 5, 5]"], format=["open"] * 2)


def test_every_batch_is_handed_on_with_texts_and_explanations(client: RewardClient) -> None:
    kept: list[ScoredBatch] = []
    call(RemoteReward(client, RewardConfig(), kept.append), [RIGHT.format("yes"), "no"])
    batch = kept[0]
    assert batch.step == 5
    assert batch.accuracy == 0.5
    assert batch.format_score == 0.5
    assert batch.groups["row-0"].pass_rate == 0.5
    first = batch.rollouts[0]
    assert (first.prompt, first.completion, first.reference) == ("Is it?", RIGHT.format("yes"), "yes")
    assert (first.reward, first.accuracy, first.format_score) == (2.0, 1.0, 1.0)
    assert first.result.explanation


def _unknown_status(answer: JSONObject) -> None:
    for result in answer["results"]:
        result["status"] = "abstained"


def test_a_status_from_the_future_is_no_reward(client: RewardClient, between: FaultProxy) -> None:
    between.always = edit(_unknown_status)
    reward = RemoteReward(client, RewardConfig(max_unscored=1.0))
    assert call(reward, [RIGHT.format("yes")] * 2) == [None, None]


def test_a_row_without_a_route_is_told(client: RewardClient) -> None:
    with pytest.raises(ConfigError, match="no route for 'caption' rows"):
        call(RemoteReward(client, RewardConfig()), ["x"], task=["caption"], format=["open"])
