from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from reward_service.isolation import Workers
from reward_service.rewards.score import InvalidReference, Judgement, Pending, VerifierFailed, VerifierTimeout
from tests.service import worker_tasks

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 2**30


def scenario(body: Callable[[Workers], Awaitable[None]], processes: int = 1, **options: object) -> None:
    """Run `body` against started workers, on an event loop of its own."""

    async def run() -> None:
        settings = {
            "timeout_s": 0.3,
            "memory_bytes": MEMORY,
            "preload": ("tests.service.worker_tasks",),
            **options,
        }
        workers = Workers(processes, **settings)  # type: ignore[arg-type]
        await workers.start()
        try:
            await body(workers)
        finally:
            pids = workers.pids
            await workers.stop()
            assert not [pid for pid in pids if psutil.pid_exists(pid)]

    asyncio.run(run())


def test_a_worker_answers() -> None:
    async def body(workers: Workers) -> None:
        assert await workers.run(Pending(worker_tasks.double, (4,))) == Judgement(1.0, 8, "twice 4")

    scenario(body)


def test_a_refusal_reaches_the_caller() -> None:
    async def body(workers: Workers) -> None:
        with pytest.raises(InvalidReference, match="no meaning"):
            await workers.run(Pending(worker_tasks.refuse, ("no meaning",)))
        assert workers.restarts == 0

    scenario(body)


@pytest.mark.parametrize("task", [worker_tasks.loop_forever, worker_tasks.one_huge_power])
def test_endless_work_is_killed_and_its_verdict_is_remembered(task: Callable[[], Judgement]) -> None:
    async def body(workers: Workers) -> None:
        for _ in range(2):
            with pytest.raises(VerifierTimeout, match=r"0\.3 s"):
                await workers.run(Pending(task, ()))
        assert workers.restarts == 1
        assert workers.cache_hits == 1
        assert (await workers.run(Pending(worker_tasks.double, (1,)))).answer == 2

    scenario(body)


@pytest.mark.parametrize("task", [worker_tasks.take_memory, worker_tasks.recurse])
def test_memory_and_stack_are_budgets_too(task: Callable[..., Judgement]) -> None:
    async def body(workers: Workers) -> None:
        with pytest.raises(VerifierTimeout, match="memory or stack"):
            await workers.run(Pending(task, (2 * MEMORY,) if task is worker_tasks.take_memory else ()))
        assert (await workers.run(Pending(worker_tasks.double, (1,)))).answer == 2

    scenario(body)


@pytest.mark.parametrize("task", [worker_tasks.exit_at_once, worker_tasks.kill_itself, worker_tasks.segfault])
def test_a_crash_hits_only_its_own_item(task: Callable[[], Judgement]) -> None:
    async def body(workers: Workers) -> None:
        crash = asyncio.create_task(workers.run(Pending(task, ())))
        neighbours = [workers.run(Pending(worker_tasks.double, (number,))) for number in range(20)]
        assert [judgement.answer for judgement in await asyncio.gather(*neighbours)] == list(range(0, 40, 2))
        with pytest.raises(VerifierFailed, match="died"):
            await crash
        assert workers.restarts == 1

    scenario(body, processes=2)


def test_a_defect_of_the_verifier_is_no_score() -> None:
    async def body(workers: Workers) -> None:
        with pytest.raises(VerifierFailed, match="KeyError"):
            await workers.run(Pending(worker_tasks.break_down, ()))

    scenario(body)


def test_an_idle_worker_that_was_killed_costs_nobody_anything() -> None:
    async def body(workers: Workers) -> None:
        (pid,) = workers.pids
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
        assert (await workers.run(Pending(worker_tasks.double, (3,)))).answer == 6
        assert workers.restarts == 1

    scenario(body)


def test_waiting_in_the_queue_is_not_charged() -> None:
    async def body(workers: Workers) -> None:
        naps = [workers.run(Pending(worker_tasks.sleep, (0.2 + number / 1000,))) for number in range(5)]
        assert len(await asyncio.gather(*naps)) == 5

    scenario(body, timeout_s=0.3)


def test_only_processor_time_is_charged() -> None:
    async def body(workers: Workers) -> None:
        assert (await workers.run(Pending(worker_tasks.sleep, (0.3,)))).explanation == "slept"

    scenario(body, timeout_s=0.1)


def test_equal_tasks_are_run_once() -> None:
    async def body(workers: Workers) -> None:
        same = [workers.run(Pending(worker_tasks.process_id, (1,))) for _ in range(10)]
        assert len({judgement.answer for judgement in await asyncio.gather(*same)}) == 1
        await workers.run(Pending(worker_tasks.process_id, (1,)))
        assert workers.cache_hits == 1
        assert workers.in_flight == 0

    scenario(body, processes=2)


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    async def body(workers: Workers) -> None:
        for number in (1, 2, 1, 3, 1, 2):
            await workers.run(Pending(worker_tasks.double, (number,)))
        assert workers.cache_hits == 2

    scenario(body, cache_size=2)


def test_a_caller_that_goes_away_leaves_the_others_their_outcome() -> None:
    async def body(workers: Workers) -> None:
        pending = Pending(worker_tasks.sleep, (0.2,))
        leaver, stayer = asyncio.create_task(workers.run(pending)), asyncio.create_task(workers.run(pending))
        await asyncio.sleep(0)
        leaver.cancel()
        assert (await stayer).explanation == "slept"
        assert workers.restarts == 0

    scenario(body)


def test_workers_are_recycled_by_count() -> None:
    async def body(workers: Workers) -> None:
        pids = [
            (await workers.run(Pending(worker_tasks.process_id, (number,)))).answer for number in range(6)
        ]
        assert len(set(pids)) == 3
        assert workers.restarts == 3

    scenario(body, tasks_per_worker=2)


def test_stopping_tells_those_who_wait() -> None:
    async def body(workers: Workers) -> None:
        waiting = asyncio.create_task(workers.run(Pending(worker_tasks.sleep, (60.0,))))
        await asyncio.sleep(0.05)
        await workers.stop()
        with pytest.raises(VerifierFailed, match="stopped"):
            await waiting
        with pytest.raises(VerifierFailed, match="stopped"):
            await workers.run(Pending(worker_tasks.double, (1,)))

    scenario(body)


def test_workers_are_warm_when_they_start() -> None:
    async def body(workers: Workers) -> None:
        assert (await workers.run(Pending(worker_tasks.report_modules, ()))).answer is True

    scenario(body, preload=("sympy", "tests.service.worker_tasks"))


@pytest.mark.parametrize("work", ["double, (1,)", "loop_forever, ()"])
def test_no_worker_outlives_a_parent_that_was_killed(work: str) -> None:
    program = f"""
        import asyncio
        from reward_service.isolation import Workers
        from reward_service.rewards.score import Pending
        from tests.service import worker_tasks
        async def main():
            workers = Workers(2, 0.5, 2**30, preload=("tests.service.worker_tasks",))
            await workers.start()
            task = asyncio.create_task(workers.run(Pending(worker_tasks.{work})))
            await asyncio.sleep(0.1)
            print(*workers.pids, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        children = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    assert len(pids) == 2
    assert {child.pid for child in children} > set(pids)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
