"""Turns Ctrl-C and SIGTERM into a wish that the training grants after the step it is in."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether somebody asked the run to stop. A second signal ends the process at once, as without us."""

    def __init__(self) -> None:
        self.wanted = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Note the wish; from now on signals do what they do by default."""
        self.wanted = True
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def listen() -> Iterator[Interrupt]:
    """Listen for SIGINT and SIGTERM while the context lasts; only the main thread can."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.signal(number, interrupt.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
