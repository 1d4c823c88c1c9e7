"""What the tests of the isolation let a worker do: behave, hang, crash, exhaust. Importable by worker processes."""

from __future__ import annotations

import os
import signal
import sys
import time

from reward_service.rewards.score import InvalidReference, Judgement


def double(number: int) -> Judgement:
    return Judgement(1.0, number * 2, f"twice {number}")


def process_id(_: int) -> Judgement:
    return Judgement(1.0, os.getpid(), "the worker's process id")


def loop_forever() -> Judgement:
    while True:
        pass


def one_huge_power() -> Judgement:
    """Never returns to the interpreter, so no Python signal handler would run."""
    return Judgement(1.0, str(3 ** (10**10))[:5], "unreachable")


def sleep(seconds: float) -> Judgement:
    time.sleep(seconds)
    return Judgement(1.0, None, "slept")


def exit_at_once() -> Judgement:
    os._exit(7)


def kill_itself() -> Judgement:
    os.kill(os.getpid(), signal.SIGKILL)
    return Judgement(0.0, None, "unreachable")


def segfault() -> Judgement:
    os.kill(os.getpid(), signal.SIGSEGV)
    return Judgement(0.0, None, "unreachable")


def take_memory(size: int) -> Judgement:
    return Judgement(1.0, len(bytearray(size)), "got it")


def recurse() -> Judgement:
    return recurse()


def refuse(message: str) -> Judgement:
    raise InvalidReference(message)


def break_down() -> Judgement:
    raise KeyError("a defect")


def report_modules() -> Judgement:
    return Judgement(1.0, "sympy" in sys.modules, "whether sympy is there")
