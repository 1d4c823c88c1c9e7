"""The client against the real service, with a proxy between that fails as networks do."""

import json
from collections.abc import Iterator

import pytest

from tests.faults import proxy
from tests.faults.batches import PROFILE, grounding_items
from tests.faults.clock import SkippingClock
from tests.faults.proxy import BROKEN, SLOW, TRANSIENT, Exchange, FaultProxy, JSONObject, edit, status
from trainer.client import RewardClient
from trainer.config import RewardConfig
from trainer.errors import ConfigError, ContractMismatch, ServiceRefused, ServiceUnreachable
from trainer.wire import Item

ITEMS = grounding_items(8)


@pytest.fixture
def clock() -> SkippingClock:
    return SkippingClock()


@pytest.fixture
def between(reward_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(reward_url) as own:
        yield own


@pytest.fixture
def client(between: FaultProxy, clock: SkippingClock) -> Iterator[RewardClient]:
    with RewardClient(RewardConfig(url=between.url), time=clock.time) as own:
        yield own


def settings(url: str, **fields: float) -> RewardConfig:
    return RewardConfig(url=url, **fields)


def test_a_batch_travels_in_one_request_and_comes_back_in_order(
    client: RewardClient, between: FaultProxy
) -> None:
    batch = client.score(ITEMS, PROFILE, progress=0.25)
    assert len(between.requests) == 1
    assert json.loads(between.requests[0])["progress"] == 0.25
    assert [result.id for result in batch.results] == [item.id for item in ITEMS]
    assert batch.rewards[0] == 2.0
    assert len(set(batch.rewards)) == 8
    assert batch.groups["prompt-0"].size == 4
    assert client.digests == {PROFILE: batch.profile.digest}


def test_consecutive_batches_share_one_connection(client: RewardClient, between: FaultProxy) -> None:
    for _ in range(5):
        client.score(ITEMS, PROFILE)
    assert len(between.clients) == 1


@pytest.mark.parametrize("name", TRANSIENT.keys() | BROKEN.keys())
def test_a_fault_costs_time_but_changes_no_reward(
    name: str, client: RewardClient, between: FaultProxy, clock: SkippingClock
) -> None:
    expected = client.score(ITEMS, PROFILE).rewards
    between.faults.append((TRANSIENT | BROKEN)[name])
    assert client.score(ITEMS, PROFILE).rewards == expected
    assert len(between.requests) == 3
    assert len(clock.waits) == 1


@pytest.mark.parametrize("name", SLOW)
def test_an_answer_that_does_not_come_in_time_is_asked_for_again(
    name: str, between: FaultProxy, clock: SkippingClock
) -> None:
    between.faults.append(SLOW[name])
    with RewardClient(settings(between.url, timeout_s=0.4), time=clock.time) as client:
        assert client.score(ITEMS, PROFILE).rewards[0] == 2.0
    assert len(between.requests) == 2


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_fault_that_stays_ends_with_the_budget(
    name: str, between: FaultProxy, clock: SkippingClock
) -> None:
    between.always = TRANSIENT[name]
    with (
        RewardClient(settings(between.url, retry_budget_s=20), time=clock.time) as client,
        pytest.raises(
            ServiceUnreachable, match=r"no usable answer in \d+ attempts and 20 s .*retry_budget_s"
        ),
    ):
        client.score(ITEMS, PROFILE)
    assert sum(clock.waits) <= 20
    assert len(between.requests) > 2


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_stays_broken_stops_the_run(
    name: str, client: RewardClient, between: FaultProxy
) -> None:
    between.always = BROKEN[name]
    with pytest.raises(ContractMismatch, match="3 times"):
        client.score(ITEMS, PROFILE)
    assert len(between.requests) == 3


def test_no_budget_means_one_attempt(between: FaultProxy, clock: SkippingClock) -> None:
    between.always = proxy.reset
    with (
        RewardClient(settings(between.url, retry_budget_s=0), time=clock.time) as client,
        pytest.raises(ServiceUnreachable, match="1 attempts"),
    ):
        client.score(ITEMS, PROFILE)
    assert clock.waits == []


def test_retry_after_is_waited_for(client: RewardClient, between: FaultProxy, clock: SkippingClock) -> None:
    between.faults.append(status(503, "40"))
    client.score(ITEMS, PROFILE)
    assert 40 <= clock.waits[0] < 41


def test_retry_after_beyond_the_budget_ends_at_once(
    client: RewardClient, between: FaultProxy, clock: SkippingClock
) -> None:
    between.always = status(429, "3600")
    with pytest.raises(ServiceUnreachable, match="the proxy says 429"):
        client.score(ITEMS, PROFILE)
    assert clock.waits == []
    assert len(between.requests) == 1


def test_nobody_listening_is_told_at_once_by_version_and_after_the_budget_by_score(
    unused_url: str, clock: SkippingClock
) -> None:
    with RewardClient(RewardConfig(url=unused_url), time=clock.time) as client:
        with pytest.raises(ServiceUnreachable, match="no reward service answers"):
            client.version()
        assert clock.waits == []
        with pytest.raises(ServiceUnreachable, match="no connection"):
            client.score(ITEMS, PROFILE)
        assert 60 < sum(clock.waits) <= 120


@pytest.mark.parametrize(
    ("profile", "words"), [("curr-reft@9", "curr-reft@1"), ("curr-raft", "curr-reft"), ("nope@1", "default")]
)
def test_a_profile_that_is_not_served_fails_at_once_and_says_what_is(
    profile: str, words: str, client: RewardClient, between: FaultProxy
) -> None:
    with pytest.raises(ServiceRefused, match=words) as caught:
        client.score(ITEMS, profile)
    assert caught.value.status == 409
    assert len(between.requests) == 1


def test_a_bad_field_fails_at_once_and_names_its_path(client: RewardClient, between: FaultProxy) -> None:
    bad = Item(task="grounding", completion="", reference="[1, 1, 2, 2]", id="x", options={"moed": "soft"})
    with pytest.raises(ServiceRefused, match=r"items\[1\]\.options\.moed"):
        client.score([ITEMS[0], bad], PROFILE)
    assert len(between.requests) == 1


def test_the_key_of_the_environment_is_sent(between: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "secret-7")
    with RewardClient(RewardConfig(url=between.url, api_key_env="OTHER_KEY")) as client:
        client.score(ITEMS, PROFILE)
    assert between.headers[0]["authorization"] == "Bearer secret-7"


def test_a_key_that_no_header_can_carry_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REWARD_API_KEY", "two\nlines")
    with pytest.raises(ConfigError, match="REWARD_API_KEY"):
        RewardClient(RewardConfig())


def _digest(answer: JSONObject) -> None:
    answer["profile"]["digest"] = "sha256:other"


def _profile(answer: JSONObject) -> None:
    answer["profile"]["version"] = "2.0.0"


def _contract(answer: JSONObject) -> None:
    answer["service"]["contract"] = "2"


@pytest.mark.parametrize(
    ("change", "words"),
    [(_digest, "changed during the run"), (_profile, r"2\.0\.0 scored"), (_contract, "speaks contract 2")],
)
def test_another_scorer_stops_the_run_at_once(
    change: object, words: str, client: RewardClient, between: FaultProxy
) -> None:
    client.score(ITEMS, PROFILE)
    between.faults.append(edit(change))
    with pytest.raises(ContractMismatch, match=words):
        client.score(ITEMS, PROFILE)
    assert len(between.requests) == 2


def test_a_resumed_run_is_held_to_the_digest_it_began_with(between: FaultProxy) -> None:
    with (
        RewardClient(RewardConfig(url=between.url), digests={PROFILE: "sha256:old"}) as client,
        pytest.raises(ContractMismatch, match="sha256:old"),
    ):
        client.score(ITEMS, PROFILE)


def _fail_fifth(answer: JSONObject) -> None:
    place = next((i for i, result in enumerate(answer["results"]) if result["id"] == "item-5"), None)
    if place is not None:
        answer["rewards"][place] = None
        answer["results"][place] |= {"reward": None, "status": "error", "components": {}, "retryable": True}


def test_an_item_that_failed_for_the_moment_is_asked_again_with_its_group(
    client: RewardClient, between: FaultProxy
) -> None:
    expected = client.score(ITEMS, PROFILE)
    between.faults.append(edit(_fail_fifth))
    batch = client.score(ITEMS, PROFILE)
    assert batch.rewards == expected.rewards
    assert batch.groups == expected.groups
    assert [item["id"] for item in between.items(2)] == ["item-4", "item-5", "item-6", "item-7"]


def test_an_item_that_keeps_failing_stays_without_a_reward(client: RewardClient, between: FaultProxy) -> None:
    between.always = edit(_fail_fifth)
    batch = client.score(ITEMS, PROFILE)
    assert batch.rewards[5] is None
    assert batch.results[5].status == "error"
    assert all(reward is not None for i, reward in enumerate(batch.rewards) if i != 5)
    assert len(between.requests) == 4


def test_what_is_not_retryable_is_not_asked_again(client: RewardClient, between: FaultProxy) -> None:
    broken = Item(task="grounding", completion="[1, 1, 2, 2]", reference="[5, 5, 5, 5]", id="zero area")
    batch = client.score([*ITEMS, broken], PROFILE)
    assert batch.rewards[8] is None
    assert batch.results[8].status == "invalid_reference"
    assert len(between.requests) == 1


def test_a_large_batch_is_cut_between_groups(client: RewardClient, between: FaultProxy) -> None:
    items = grounding_items(4100, group_size=10)
    batch = client.score(items, PROFILE)
    assert [len(between.items(i)) for i in range(2)] == [4090, 10]
    assert [result.id for result in batch.results] == [item.id for item in items]
    assert len(batch.groups) == 410


def test_a_batch_that_is_too_large_for_the_service_goes_in_halves(
    client: RewardClient, between: FaultProxy
) -> None:
    def refuse_above_four(exchange: Exchange) -> None:
        too_many = len(json.loads(exchange.body or b"{}")["items"]) > 4
        (status(413) if too_many else proxy.pass_on)(exchange)

    between.always = refuse_above_four
    items = grounding_items(16, group_size=4)
    batch = client.score(items, PROFILE)
    assert [result.id for result in batch.results] == [item.id for item in items]
    assert len(batch.groups) == 4
    client.score(items, PROFILE)
    assert len(between.requests) == 2 + 4 + 4  # the limit is remembered


def test_a_group_that_was_cut_has_no_statistics(client: RewardClient, between: FaultProxy) -> None:
    between.faults.append(status(413))
    batch = client.score(grounding_items(8, group_size=8), PROFILE)
    assert len(batch.rewards) == 8
    assert batch.groups == {}


def test_a_redirect_is_refused_and_names_the_address(between: FaultProxy, client: RewardClient) -> None:
    between.always = lambda exchange: exchange.answer(302, b"", headers={"location": "https://other/"})
    with pytest.raises(ServiceRefused, match="redirects to https://other/"):
        client.score(ITEMS, PROFILE)


def test_ids_must_differ(client: RewardClient) -> None:
    with pytest.raises(ValueError, match="ids that differ"):
        client.score([ITEMS[0], ITEMS[0]], PROFILE)


def test_version_says_what_serves(client: RewardClient) -> None:
    assert client.version().contract == "1"
