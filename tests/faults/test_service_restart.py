"""The real service is killed while it has a step's batch and comes back: the step has the right rewards."""

import signal
import threading
from collections.abc import Iterator

import pytest

from tests.conftest import start_service
from tests.faults.batches import PROFILE, grounding_items
from tests.faults.clock import SkippingClock
from tests.faults.proxy import Exchange, FaultProxy, pass_on
from trainer.client import RewardClient
from trainer.config import RewardConfig
from trainer.errors import ServiceUnreachable

ITEMS = grounding_items(64)


class Service:
    """A service of this test's own, that can be killed and started again on its port."""

    def __init__(self) -> None:
        self.process, self.url = start_service()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def start_again(self) -> None:
        self.process, self.url = start_service("--port", self.url.rsplit(":", 1)[1])

    def end(self) -> None:
        self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def service() -> Iterator[Service]:
    own = Service()
    yield own
    if own.process.poll() is None:
        own.process.terminate()
    own.end()


def test_a_service_killed_in_the_middle_of_a_step_costs_time_only(service: Service) -> None:
    def kill_with_the_batch_in_hand(exchange: Exchange) -> None:
        service.process.send_signal(signal.SIGSTOP)  # so that it has the request, and has not answered
        killer = threading.Timer(0.2, service.kill)
        killer.start()
        pass_on(exchange)
        killer.join()

    def start_again(exchange: Exchange) -> None:
        service.start_again()
        pass_on(exchange)

    clock = SkippingClock()
    with (
        FaultProxy(service.url) as between,
        RewardClient(RewardConfig(url=between.url), time=clock.time) as client,
    ):
        before = client.score(ITEMS, PROFILE)
        between.faults.extend([kill_with_the_batch_in_hand, pass_on, pass_on, start_again])
        after = client.score(ITEMS, PROFILE)
    assert after.rewards == before.rewards
    assert after.groups == before.groups
    assert len(between.requests) == 5
    assert len(clock.waits) == 3


def test_a_service_that_stays_dead_ends_the_step_without_a_reward(service: Service) -> None:
    clock = SkippingClock()
    with RewardClient(RewardConfig(url=service.url), time=clock.time) as client:
        client.score(ITEMS, PROFILE)
        service.kill()
        with pytest.raises(ServiceUnreachable, match=r"reward\.retry_budget_s"):
            client.score(ITEMS, PROFILE)
    assert sum(clock.waits) <= 120


def test_a_service_that_was_ended_and_started_between_two_steps_goes_unnoticed(service: Service) -> None:
    with RewardClient(RewardConfig(url=service.url)) as client:
        expected = client.score(ITEMS, PROFILE).rewards
        service.process.terminate()
        service.end()
        service.start_again()
        assert client.score(ITEMS, PROFILE).rewards == expected
