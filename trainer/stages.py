"""Trains one stage of the curriculum: a trainer of its own on the weights that the stage before left."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter
from transformers.integrations import TensorBoardCallback
from trl import GRPOConfig

from trainer.callbacks import SameWeights, StageCallback, StageJob
from trainer.checkpoints import Checkpoint
from trainer.client import RewardClient
from trainer.config import RunConfig, StageConfig
from trainer.curriculum import JSON, CurriculumState, Gate, StagePlan
from trainer.data.dataset import make_dataset
from trainer.data.rows import Row
from trainer.errors import Interrupted, ServiceError, TooManyUnscored
from trainer.grpo import StageTrainer, make_arguments, rhythm_of
from trainer.interrupt import Interrupt
from trainer.models import load_model
from trainer.progress import StageView, View
from trainer.rewards import RemoteReward, Rollout, ScoredBatch
from trainer.run_folder import RunFolder, append_lines, stage_label


@dataclass(frozen=True, slots=True)
class Run:
    """What all stages of a run share."""

    config: RunConfig
    folder: RunFolder
    client: RewardClient
    view: View
    interrupt: Interrupt


@dataclass(frozen=True, slots=True)
class StageStart:
    """Where a stage goes on: `first` has the weights it began with (None: the configured model's).

    `resume` is the checkpoint inside the stage to go on from, None at its beginning.
    """

    state: CurriculumState
    elapsed_s: float
    first: Path | None
    resume: Path | None


def next_start(complete: Sequence[Checkpoint]) -> StageStart:
    """Return where a run with these complete checkpoints, the latest last, goes on."""
    if not complete:
        return StageStart(CurriculumState(), 0.0, None, None)
    last = complete[-1]
    ends = [c.folder for c in complete if c.state.finished and c.state.step == 0]
    first = ends[-1] if ends else None
    return StageStart(last.state, last.elapsed_s, first, last.folder if last.state.step else None)


def stage_arguments(config: RunConfig, number: int) -> GRPOConfig:
    """Return TRL's arguments for stage `number`, counted from 0; ConfigError where they do not fit."""
    stage = config.stages[number]
    folder = RunFolder(config.output_dir).stage(number, stage.name)
    return make_arguments(config.grpo_of(stage), folder, config.seed, stage.max_steps, config.save_steps)


def plan_of(stage: StageConfig) -> StagePlan:
    """Return the stage as the curriculum sees it."""
    gate = stage.gate
    if gate is None:
        return StagePlan(stage.name, stage.max_steps)
    return StagePlan(
        stage.name, stage.max_steps, Gate(gate.threshold, gate.window, gate.patience, gate.min_steps)
    )


def train_stage(run: Run, start: StageStart, rows: Sequence[Row]) -> None:
    """Train the stage that `start` is in until it is over; its last checkpoint says so.

    Where the reward service fails, or somebody asks to stop, the last completed step is saved before the
    error is passed on (ServiceError, TooManyUnscored, Interrupted). CheckpointError: a save failed.
    """
    config, number = run.config, start.state.stage
    stage = config.stages[number]
    arguments = stage_arguments(config, number)
    model, processor = load_model(config.model, start.resume or start.first)
    model.config._name_or_path = _reference(config, start)
    callback = StageCallback(_job(run, number), rhythm_of(arguments), start.state, start.elapsed_s)
    events = run.folder.tensorboard / stage_label(number, stage.name)
    with closing(SummaryWriter(str(events), purge_step=start.state.step + 1)) as board:
        trainer = StageTrainer(
            model=model,
            processor=processor,
            reward=RemoteReward(run.client, config.reward_of(stage), _rollout_writer(run, stage, callback)),
            arguments=arguments,
            dataset=make_dataset(rows, config.model, processor),
            stage=callback,
            others=[TensorBoardCallback(board), *([SameWeights(start.resume)] if start.resume else [])],
        )
        run.view.stage(callback.job.shown, start.state.step)
        _train(trainer, start.resume)
    if not callback.is_over:
        raise Interrupted(f"stopped on request after step {callback.state.global_step}, which is saved")


def _reference(config: RunConfig, start: StageStart) -> str:
    """Return the path from which TRL loads the reference model of the KL term: the stage's first weights.

    LoRA needs none, its reference is the base without the adapter.
    """
    if start.first is None or config.model.lora is not None:
        return str(config.model.path)
    return str(start.first)


def _train(trainer: StageTrainer, checkpoint: Path | None) -> None:
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except (ServiceError, TooManyUnscored):
        trainer.save_last_step()
        raise


def _job(run: Run, number: int) -> StageJob:
    stages = run.config.stages
    stage = stages[number]
    shown = StageView(
        name=stage.name,
        number=number + 1,
        count=len(stages),
        max_steps=stage.max_steps,
        steps_after=sum(later.max_steps for later in stages[number + 1 :]),
    )
    return StageJob(
        plan=plan_of(stage),
        metric=stage.gate.metric if stage.gate else "accuracy",
        folder=run.folder.stage(number, stage.name),
        metrics=run.folder.metrics,
        keep=run.config.keep_checkpoints,
        view=run.view,
        shown=shown,
        interrupt=run.interrupt,
    )


def _rollout_writer(run: Run, stage: StageConfig, callback: StageCallback) -> Callable[[ScoredBatch], None]:
    """Return what keeps the first few rollouts of a batch, one per prompt where there are enough prompts."""

    def write(batch: ScoredBatch) -> None:
        by_prompt = {rollout.row_id: rollout for rollout in reversed(batch.rollouts)}
        chosen = list(by_prompt.values())[::-1][: run.config.rollouts_per_step]
        done = callback.state
        place: dict[str, JSON] = {
            "stage": stage.name,
            "stage_step": done.step + 1,
            "global_step": done.global_step + 1,
        }
        append_lines(run.folder.rollouts, [{**place, **_rollout_line(rollout)} for rollout in chosen])

    return write


def _rollout_line(rollout: Rollout) -> Mapping[str, JSON]:
    return {
        "row_id": rollout.row_id,
        "task": rollout.task,
        "format": rollout.format,
        "problem": rollout.prompt,
        "completion": rollout.completion,
        "reference": rollout.reference,
        "reward": rollout.reward,
        "accuracy": rollout.accuracy,
        "status": rollout.result.status,
        "explanation": rollout.result.explanation,
    }
