"""The inside of a worker process: take a function and its arguments, return what it says, within hard limits.

The address space is capped by RLIMIT_AS and the processor time of each task by RLIMIT_CPU, so that even a worker whose
parent was killed ends by itself: idle it reads the end of its pipe, busy it runs into its limit.
"""

from __future__ import annotations

import importlib
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from reward_service.rewards.score import Judgement, RewardError, VerifierFailed, VerifierTimeout

READY = "ready"
# RLIMIT_CPU counts whole seconds; the supervisor's finer clock comes first, this is the backstop
CPU_BACKSTOP_S = 2
# deep enough for sympy; a task that needs more raises, which is a budget, not a crash
RECURSION = 3_000

Task = tuple[Callable[..., Judgement], tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker may use: bytes of address space, CPU seconds per task, tasks before it is replaced."""

    memory_bytes: int
    timeout_s: float
    tasks: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of one task, and whether the worker should be replaced before the next."""

    outcome: Judgement | RewardError
    tired: bool


def serve(connection: Connection, limits: Limits, modules: tuple[str, ...]) -> None:
    """Import `modules`, say READY, then answer tasks until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    sys.setrecursionlimit(RECURSION)
    for name in modules:
        importlib.import_module(name)
    connection.send(READY)
    served = 0
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        served += 1
        _allow_cpu(limits.timeout_s)
        outcome = answer(function, arguments)
        try:
            connection.send(Reply(outcome, served >= limits.tasks or _swollen(limits.memory_bytes)))
        except BrokenPipeError:
            return


def answer(function: Callable[..., Judgement], arguments: tuple[object, ...]) -> Judgement | RewardError:
    """Run one task; the one place where any exception of a verifier becomes an outcome.

    Running out of stack or memory depends on the input alone, so it is the verifier's budget that ran out. Whatever
    else escapes the function is a defect of ours: `VerifierFailed`, never a score.
    """
    try:
        return function(*arguments)
    except RewardError as error:
        return error
    except (MemoryError, RecursionError) as error:
        return VerifierTimeout(
            f"the verifier's memory or stack ran out on this input ({type(error).__name__})"
        )
    except Exception as error:  # noqa: BLE001
        return VerifierFailed(f"the verifier raised {type(error).__name__}: {str(error)[:200]}")


def _allow_cpu(timeout_s: float) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + timeout_s) + CPU_BACKSTOP_S, hard))


def _swollen(memory_bytes: int) -> bool:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > memory_bytes // 2
