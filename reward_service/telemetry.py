"""Metrics and log events, by name. Both are described in docs/operations.md.

Labels come from closed sets (routes, tasks, served profiles, statuses), so nothing a client sends adds a
series.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from reward_service.rewards.registry import Task
from reward_service.rewards.score import JSON

if TYPE_CHECKING:
    from reward_service.scoring import Outcome

Event = Literal["started", "stopped", "draining", "item_failed", "verifier_not_started"]

LOGGER = logging.getLogger("reward_service")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class JsonLines(logging.Formatter):
    """One JSON object per line on stderr: time, level, event, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; the fields of an event come from `extra`, an exception as `error`."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage().strip(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def configure_logging(level: str) -> None:
    """Send events, and uvicorn's warnings, to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, least in (("reward_service", level), ("uvicorn", "warning")):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(least.upper())
        logger.propagate = False


def log(level: int, event: Event, error: BaseException | None = None, **fields: JSON) -> None:
    """Log an event with its fields; completions and keys are never among them."""
    LOGGER.log(level, event, exc_info=error, extra={"fields": fields})


class Telemetry:
    """The metrics of one server process; several processes sum theirs through files in a shared folder."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("plumbline_requests", "Requests answered", "route", "code")
        self._items = self._counter("plumbline_items", "Items answered", "task", "profile", "status")
        self._accuracy = self._counter(
            "plumbline_accuracy", "Sum of accuracies of scored items", "task", "profile"
        )
        self._groups = self._counter(
            "plumbline_groups", "Groups, by whether their rewards differ", "profile", "signal"
        )
        self._restarts = self._counter("plumbline_verifier_restarts", "Verifier processes that were replaced")
        self._seconds = Histogram(
            "plumbline_request_seconds",
            "Time from the head of a request to the end of its answer",
            ["route"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._restarts_counted = 0

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def item_failed(self, index: int, error: BaseException) -> None:
        """Log what a reward raised by mistake; the item's content is not logged."""
        log(logging.ERROR, "item_failed", error, index=index)

    def request(self, route: str, code: int, seconds: float) -> None:
        """Count an answered request. route: the path template, or `unmatched`."""
        self._requests.labels(route, str(code)).inc()
        self._seconds.labels(route).observe(seconds)

    def scored(self, tasks: Sequence[Task], profile: str, outcomes: Sequence[Outcome]) -> None:
        """Count the items of one answer."""
        names = [task.name for task in tasks]
        tally = Tally((name, outcome.status) for name, outcome in zip(names, outcomes, strict=True))
        for (name, status), count in tally.items():
            self._items.labels(name, profile, status).inc(count)
        for name in set(names):
            total = sum(o.accuracy for n, o in zip(names, outcomes, strict=True) if n == name and o.accuracy)
            self._accuracy.labels(name, profile).inc(total)

    def groups(self, profile: str, spreads: Iterable[float | None]) -> None:
        """Count the groups of one answer by the spread (standard deviation) of their rewards."""
        for signal, count in Tally(
            "unscored" if s is None else "some" if s > 0 else "none" for s in spreads
        ).items():
            self._groups.labels(profile, signal).inc(count)

    def restarts(self, total: int) -> None:
        """Note how many verifier processes this server process has replaced so far."""
        self._restarts.inc(max(0, total - self._restarts_counted))
        self._restarts_counted = max(total, self._restarts_counted)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format, of all server processes where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)
