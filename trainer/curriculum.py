"""The curriculum as a pure state machine: stages in order, each left through its gate or at its step cap.

A gate opens when the moving mean of the accuracy has been at its threshold or above for `patience` steps in
a row. Nothing here reads a clock, a file or a random number, so a saved state goes on exactly as before.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

JSON = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]

Decision = Literal["continue", "promote", "cap"]
"""What a step leads to: the same stage, or the next one because the gate opened or the cap was reached."""

Outcome = Literal["promote", "cap"]

_OUTCOMES: Mapping[str, Outcome] = {"promote": "promote", "cap": "cap"}


@dataclass(frozen=True, slots=True)
class Gate:
    """When a stage has been learned.

    The mean of the last `window` accuracies is at `threshold` or above for `patience` steps in a row. It
    exists once `window` accuracies were seen; a stage is never left before its step `min_steps`.
    """

    threshold: float
    window: int = 1
    patience: int = 1
    min_steps: int = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise ValueError(f"gate.threshold: expected a finite number, got {self.threshold}")
        if self.window < 1 or self.patience < 1 or self.min_steps < 0:
            raise ValueError(f"gate: expected window and patience from 1, min_steps from 0, got {self}")


@dataclass(frozen=True, slots=True)
class StagePlan:
    """A stage: at most `max_steps` steps (1 or more), fewer if there is a gate and it opens."""

    name: str
    max_steps: int
    gate: Gate | None = None

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise ValueError(f"stage {self.name}: max_steps: expected 1 or more, got {self.max_steps}")


@dataclass(frozen=True, slots=True)
class FinishedStage:
    """A stage that is over: its number of steps, why it ended, and the last moving mean (None: none yet)."""

    name: str
    steps: int
    outcome: Outcome
    mean: float | None


@dataclass(frozen=True, slots=True)
class CurriculumState:
    """Where a run is: `step` steps of stage number `stage` are done, counted from 0.

    `recent` holds the last accuracies of this stage, as many as the gate's window (without a gate: one);
    `streak` counts the steps in a row whose moving mean passed.
    """

    stage: int = 0
    step: int = 0
    recent: tuple[float, ...] = ()
    streak: int = 0
    finished: tuple[FinishedStage, ...] = ()

    @property
    def global_step(self) -> int:
        """Steps done in all stages."""
        return self.step + sum(stage.steps for stage in self.finished)


def advance(
    state: CurriculumState, plan: StagePlan, accuracy: float | None
) -> tuple[CurriculumState, Decision]:
    """Count one step of stage `plan` with its mean `accuracy` and say what follows.

    A step without accuracy (None: nothing was scored, or no new completions) counts as a step and leaves
    window and streak alone. An opened gate wins over a cap reached at the same step. After `promote` and
    `cap` the state is at the beginning of the next stage. An accuracy that is not finite is a ValueError.
    """
    if accuracy is not None and not math.isfinite(accuracy):
        raise ValueError(f"accuracy: expected a finite number or None, got {accuracy}")
    state = replace(state, step=state.step + 1)
    if accuracy is not None:
        state = _observe(state, plan.gate, accuracy)
    if plan.gate is not None and _is_open(state, plan.gate):
        return _leave(state, plan, "promote"), "promote"
    if state.step >= plan.max_steps:
        return _leave(state, plan, "cap"), "cap"
    return state, "continue"


def moving_mean(state: CurriculumState) -> float | None:
    """Return the mean of the accuracies in the window, however few there are yet; None without any."""
    return math.fsum(state.recent) / len(state.recent) if state.recent else None


def to_json(state: CurriculumState) -> Mapping[str, JSON]:
    """Return the state as JSON; `from_json` gives back an equal one, numbers exact."""
    return asdict(state)


def from_json(value: JSON) -> CurriculumState:
    """Read a state written by `to_json`. Raises ValueError where it is none."""
    try:
        return _read(value)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not the state of a curriculum: {error!r}") from error


def _observe(state: CurriculumState, gate: Gate | None, accuracy: float) -> CurriculumState:
    window = gate.window if gate is not None else 1
    state = replace(state, recent=(*state.recent, accuracy)[-window:])
    mean = moving_mean(state)
    passed = gate is not None and len(state.recent) == window and mean is not None and mean >= gate.threshold
    return replace(state, streak=state.streak + 1 if passed else 0)


def _is_open(state: CurriculumState, gate: Gate) -> bool:
    return state.streak >= gate.patience and state.step >= gate.min_steps


def _leave(state: CurriculumState, plan: StagePlan, outcome: Outcome) -> CurriculumState:
    done = FinishedStage(plan.name, state.step, outcome, moving_mean(state))
    return CurriculumState(stage=state.stage + 1, finished=(*state.finished, done))


def _read(value: JSON) -> CurriculumState:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    recent, finished = value["recent"], value["finished"]
    return CurriculumState(
        stage=_whole(value["stage"]),
        step=_whole(value["step"]),
        recent=tuple(_number(item) for item in _list(recent)),
        streak=_whole(value["streak"]),
        finished=tuple(_read_finished(item) for item in _list(finished)),
    )


def _read_finished(value: JSON) -> FinishedStage:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    name, mean = value["name"], value["mean"]
    outcome = _OUTCOMES.get(str(value["outcome"]))
    if not isinstance(name, str) or outcome is None:
        raise TypeError(f"expected a name and an outcome, got {name!r} and {value['outcome']!r}")
    return FinishedStage(name, _whole(value["steps"]), outcome, None if mean is None else _number(mean))


def _list(value: JSON) -> Sequence[JSON]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"expected a list, got {value!r}")
    return value


def _whole(value: JSON) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"expected a whole number from 0, got {value!r}")
    return value


def _number(value: JSON) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"expected a finite number, got {value!r}")
    return float(value)
