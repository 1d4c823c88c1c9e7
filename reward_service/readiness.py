"""Whether this process wants requests: not while its verifier warms up, nor after SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from reward_service.telemetry import log


class Readiness:
    """Why the process is not ready, in one sentence, or None."""

    def __init__(self) -> None:
        self._warm = False
        self._draining = False

    @property
    def reason(self) -> str | None:
        """The sentence that `readyz` answers with 503; None means ready."""
        if self._draining:
            return "the service is shutting down"
        return None if self._warm else "the verifier processes are starting"

    def warmed_up(self) -> None:
        """The verifier runs."""
        self._warm = True

    def drain(self) -> None:
        """SIGTERM came; there is no way back."""
        self._draining = True


@contextlib.contextmanager
def draining_on_sigterm(readiness: Readiness, delay_s: float) -> Iterator[None]:
    """On SIGTERM turn readiness off at once and let the server stop `delay_s` later.

    The delay is for balancers that need a moment to look elsewhere. Outside the main thread nothing is
    installed.
    """
    server_stops = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(server_stops):
        yield
        return
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        readiness.drain()
        log(logging.INFO, "draining", delay_s=delay_s)
        if delay_s > 0:
            loop.call_soon_threadsafe(loop.call_later, delay_s, server_stops, number, frame)
        else:
            server_stops(number, frame)

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server_stops)
