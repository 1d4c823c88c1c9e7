"""Shows how a run goes: one live line on a terminal, plain lines a few seconds apart anywhere else."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from trainer.curriculum import JSON

PLAIN_INTERVAL_S = 5.0
"""Shortest time between two plain lines of one stage."""

_PACE_STEPS = 20


@dataclass(frozen=True, slots=True)
class StageView:
    """What is shown of a stage: its number from 1, how many there are, its cap and the caps after it."""

    name: str
    number: int
    count: int
    max_steps: int
    steps_after: int


class View(Protocol):
    """Where a run reports to."""

    def say(self, text: str) -> None:
        """Show a sentence of its own line."""

    def stage(self, stage: StageView, step: int) -> None:
        """Show a stage from its step `step` on."""

    def step(self, stage: StageView, line: Mapping[str, JSON]) -> None:
        """Show a step, given its line of metrics."""

    def count(self, title: str, done: int, total: int) -> None:
        """Show how far something other than a stage is."""


class Pace:
    """The time that is left at most, by the mean of the last steps."""

    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=_PACE_STEPS)

    def left(self, stage: StageView, line: Mapping[str, JSON]) -> str:
        """Return minutes and seconds if this stage and the later ones go to their caps."""
        self._steps.append(float(str(line["step_s"])))
        steps = stage.max_steps - int(str(line["stage_step"])) + stage.steps_after
        return clock(steps * sum(self._steps) / len(self._steps))


class PlainView:
    """Lines for a log file."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pace = Pace()
        self._last = 0.0

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stage(self, stage: StageView, step: int) -> None:
        """Print which stage begins, or goes on."""
        self._last = 0.0
        after = f" from step {step}" if step else ""
        self.say(f"stage {stage.number}/{stage.count} {stage.name}{after}, at most {stage.max_steps} steps")

    def step(self, stage: StageView, line: Mapping[str, JSON]) -> None:
        """Print a step, if the last printed one is long enough ago or this is the last at the cap."""
        left = self._pace.left(stage, line)
        now = time.monotonic()
        if now - self._last >= PLAIN_INTERVAL_S or line["stage_step"] == stage.max_steps:
            self._last = now
            self.say(f"{stage.name} {line['stage_step']}/{stage.max_steps}  {summary(line)}  {left} left")

    def count(self, title: str, done: int, total: int) -> None:
        """Print once it is done."""
        if done == total:
            self.say(f"{title}: {total}")


class LiveView:
    """A bar on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pace = Pace()
        self._task: TaskID | None = None
        self._counts: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)

    def stage(self, stage: StageView, step: int) -> None:
        """Give the stage a bar of its own; those of earlier stages stay as they ended."""
        title = f"{stage.number}/{stage.count} {stage.name}"
        self._task = self._progress.add_task(title, total=stage.max_steps, completed=step, line="")

    def step(self, stage: StageView, line: Mapping[str, JSON]) -> None:
        """Move the bar."""
        if self._task is not None:
            text = f"{summary(line)}  {self._pace.left(stage, line)} left"
            self._progress.update(self._task, completed=int(str(line["stage_step"])), line=text)

    def count(self, title: str, done: int, total: int) -> None:
        """Move a bar of its own, which goes away once it is full."""
        if title not in self._counts:
            self._counts[title] = self._progress.add_task(title, total=total, line="")
        self._progress.update(self._counts[title], completed=done, visible=done < total)


@contextmanager
def view(console: Console) -> Iterator[View]:
    """Give the view that fits the console while the context lasts."""
    if not console.is_terminal:
        yield PlainView(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[line]}"),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        yield LiveView(progress)


def summary(line: Mapping[str, JSON]) -> str:
    """Return the figures of a step that matter while it runs."""
    shown = {"reward": line["reward"], "accuracy": line["accuracy"]}
    parts = [f"{name} {_figure(value)}" for name, value in shown.items()]
    return "  ".join([*parts, f"{float(str(line['completions_per_s'])):.0f} completions/s"])


def clock(seconds: float) -> str:
    """Return a duration as 0:07 or 1:02:03, rounded to seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _figure(value: JSON) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"
