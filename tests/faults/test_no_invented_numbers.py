"""Random faults over many batches: every reward is the right one, or there is none."""

import random

import pytest

from tests.faults.batches import PROFILE, grounding_items
from tests.faults.clock import SkippingClock
from tests.faults.proxy import BROKEN, TRANSIENT, Fault, FaultProxy, pass_on
from trainer.client import RewardClient
from trainer.config import RewardConfig
from trainer.errors import ContractMismatch, ServiceUnreachable

BATCHES = 60
SIZE = 24


def faults(seed: int) -> list[Fault]:
    draw = random.Random(seed)
    pool = [*TRANSIENT.values(), *BROKEN.values()]
    return [draw.choice(pool) if draw.random() < 0.6 else pass_on for _ in range(BATCHES * 4)]


@pytest.mark.parametrize("seed", [1, 2])
def test_no_fault_turns_into_a_number(reward_url: str, seed: int) -> None:
    items = grounding_items(SIZE)
    with RewardClient(RewardConfig(url=reward_url)) as direct:
        expected = direct.score(items, PROFILE).rewards
    clock, given_up = SkippingClock(), 0
    with (
        FaultProxy(reward_url, faults(seed)) as between,
        RewardClient(RewardConfig(url=between.url), time=clock.time) as client,
    ):
        for _ in range(BATCHES):
            try:
                assert client.score(items, PROFILE).rewards == expected
            except (ContractMismatch, ServiceUnreachable):
                given_up += 1
        injected = len(between.requests) - (BATCHES - given_up)
    assert injected > BATCHES / 2
    assert given_up < BATCHES / 4
