"""What happens around TRL's steps: the curriculum decides, metrics are kept, loaded weights are checked."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainer.curriculum import CurriculumState, StagePlan, advance
from trainer.interrupt import Interrupt
from trainer.models import assert_same_weights
from trainer.progress import StageView, View
from trainer.random_state import RandomState, take_random_state
from trainer.run_folder import append_lines
from trainer.step_log import StepPlace, number, step_line


@dataclass(frozen=True, slots=True)
class StageJob:
    """What a stage is asked to do and where it reports: `metric` feeds the gate, `folder` gets checkpoints.

    Of the complete checkpoints in `folder` the latest `keep` stay. `metrics` is the file for the step lines.
    """

    plan: StagePlan
    metric: str
    folder: Path
    metrics: Path
    keep: int
    view: View
    shown: StageView
    interrupt: Interrupt


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How optimizer steps and generations interleave: `completions` are made per step on average.

    After every `period` steps all that was generated is used up; only there can a run stop and go on with the
    same completions as one that was never stopped.
    """

    completions: float
    period: int


@dataclass(frozen=True, slots=True)
class BeforeStep:
    """What a step changes before its rewards are there, as it was when the step began."""

    random: RandomState
    tokens_seen: float


class StageCallback(TrainerCallback):
    """Counts the steps of one stage, asks the curriculum after each, and writes its metrics.

    TRL logs a step before it saves it, so the last step of a stage is saved as such. `state` is the
    curriculum after the last step, `elapsed_s` the time of all steps of the run, `is_over` whether the stage
    was left, `before` what the step in work began with.
    """

    def __init__(self, job: StageJob, rhythm: Rhythm, state: CurriculumState, elapsed_s: float) -> None:
        self.job = job
        self.state = state
        self.elapsed_s = elapsed_s
        self.is_over = False
        self.before: BeforeStep | None = None
        self._rhythm = rhythm
        self._began = 0.0

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Take the time, and down what is needed to save the last step if this one fails."""
        self.before = BeforeStep(take_random_state(), state.num_input_tokens_seen)
        self._began = time.perf_counter()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, object] | None = None,
        **_: object,
    ) -> None:
        """Count a step and stop the stage, with a checkpoint, if the curriculum says so or somebody asked."""
        if logs is None or "loss" not in logs:  # the summary at the end of a stage is no step
            return
        step_s = time.perf_counter() - self._began
        self.elapsed_s += step_s
        place = StepPlace(self.job.plan.name, self.state.step + 1, self.state.global_step + 1)
        self.state, decision = advance(self.state, self.job.plan, number(logs, self.job.metric))
        self.is_over = decision != "continue"
        if state.is_world_process_zero:
            line = step_line(place, logs, self._rhythm.completions, step_s, self.elapsed_s)
            append_lines(self.job.metrics, [line])
            self.job.view.step(self.job.shown, line)
        is_asked = self.job.interrupt.wanted and place.stage_step % self._rhythm.period == 0
        if self.is_over or is_asked:
            control.should_training_stop = True
            control.should_save = True


class SameWeights(TrainerCallback):
    """Checks, before the first step of a resumed stage, that the model holds the weights of its checkpoint.

    transformers' own resume loses them without an error for architectures whose saved names differ.
    """

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = checkpoint

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: PreTrainedModel | None = None,
        **_: object,
    ) -> None:
        """Raise CheckpointError if a weight differs."""
        if model is not None:
            assert_same_weights(model, self._checkpoint)
