"""A whole run, from wherever its folder says it is: checks, base evaluation, stages, final model, report.

Everything that is done is in the folder, complete or absent, so going on is looking what is there. Heavy
imports come after the service was asked, so that a wrong URL is told at once.
"""

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from trainer.checkpoints import complete_checkpoints, discard_incomplete
from trainer.client import RewardClient
from trainer.config import RunConfig
from trainer.curriculum import CurriculumState, FinishedStage
from trainer.errors import CheckpointError, ConfigError, Interrupted, TrainerError
from trainer.interrupt import Interrupt, listen
from trainer.preflight import RunRows, check_data, check_service
from trainer.progress import View, view
from trainer.run_folder import (
    RunFolder,
    claim,
    drop_lines_after,
    exclusive,
    refuse_other_run,
    stage_label,
    write_atomically,
)
from trainer.versions import read_digests, write_versions
from trainer.wire import ServiceIdentity

if TYPE_CHECKING:
    from trainer.stages import Run, StageStart

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def run(config: RunConfig, console: Console | None = None) -> None:
    """Train through all stages, or go on where an earlier call with the same configuration stopped.

    Does nothing but to say so where the run is finished. Raises the TrainerError that ended the run, after
    the last completed step was saved where that was possible; how to go on is printed.
    """
    folder = RunFolder(config.output_dir)
    with listen() as interrupt, view(console or Console()) as shown:
        refuse_other_run(folder, config)
        if _status(folder) == "finished":
            shown.say(f"this run is finished: {folder.root}; give another --output-dir for a new one")
            return
        with (
            _told_how_to_go_on(folder, shown),
            RewardClient(config.reward, digests=read_digests(folder.versions)) as client,
        ):
            service = check_service(config, client)  # before the folder, so that a wrong URL leaves none
            with exclusive(folder):
                _run(config, folder, client, service, shown, interrupt)


def _run(
    config: RunConfig,
    folder: RunFolder,
    client: RewardClient,
    service: ServiceIdentity,
    shown: View,
    interrupt: Interrupt,
) -> None:
    refuse_other_run(folder, config)  # again, now that nobody else can claim it
    _generate_data(config, folder, shown)
    rows = check_data(config, client)
    counts = ", ".join(f"{len(own)} {name}" for name, own in {**rows.stages, **rows.sets}.items())
    shown.say(f"reward service {config.reward.url} answers; rows: {counts}")
    if not folder.config.is_file():
        _check_arguments(config)
    claim(folder, config)
    write_versions(folder.versions, service, client.digests)
    from trainer.stages import Run

    whole = Run(config, folder, client, shown, interrupt)
    discard_incomplete(folder.checkpoints)
    _evaluate(whole, rows, "base", None)
    _train_stages(whole, rows)
    _finish(whole, rows)


def _generate_data(config: RunConfig, folder: RunFolder, shown: View) -> None:
    """Write the data set that the run wants, complete or not at all; keep the one that is there if it is that.

    Raises ConfigError where the place is taken by something else.
    """
    if config.generate is None:
        return
    wanted = config.generate.model_dump_json()
    mark = folder.data / "generated.json"
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    if folder.data.is_dir() and not mark.is_file():
        raise ConfigError(f"generate: {folder.data} holds data that were not generated; remove or rename it")
    from trainer.data.generate import generate

    part = folder.root / ".data.part"
    shutil.rmtree(part, ignore_errors=True)
    generate(
        part,
        config.generate.seed,
        config.generate.sizes,
        lambda done, total: shown.count("drawing scenes", done, total),
    )
    write_atomically(part / mark.name, wanted)
    shutil.rmtree(folder.data, ignore_errors=True)
    part.replace(folder.data)


def _check_arguments(config: RunConfig) -> None:
    """Check the model and GRPO's arguments, as far as that goes without weights."""
    from trainer.models import check_model
    from trainer.quiet import quiet_libraries
    from trainer.stages import stage_arguments

    quiet_libraries()
    for number in range(len(config.stages)):
        stage_arguments(config, number)
    check_model(config.model)


def _train_stages(run: "Run", rows: RunRows) -> None:
    from trainer.stages import train_stage

    while (start := _start(run.folder)).state.stage < len(run.config.stages):
        stage = run.config.stages[start.state.stage]
        for lines in (run.folder.metrics, run.folder.rollouts):
            drop_lines_after(lines, start.state.global_step)
        _write_state(run.folder, "running", start.state)
        train_stage(run, start, rows.stages[stage.name])
        done = _start(run.folder)
        run.view.say(_ended(done.state.finished[-1], stage.max_steps))
        if run.config.evaluation.after_each_stage:
            _evaluate(run, rows, stage_label(start.state.stage, stage.name), done.first)


def _start(folder: RunFolder) -> "StageStart":
    from trainer.stages import next_start

    return next_start(complete_checkpoints(folder.checkpoints))


def _ended(stage: FinishedStage, max_steps: int) -> str:
    why = "its gate opened" if stage.outcome == "promote" else f"its cap of {max_steps} steps"
    mean = "" if stage.mean is None else f", last mean {stage.mean:.3f}"
    return f"stage {stage.name} ended after {stage.steps} steps: {why}{mean}"


def _finish(run: "Run", rows: RunRows) -> None:
    from trainer.report import write_report

    end = _start(run.folder)
    if not run.folder.final.is_dir():
        _write_final(run, end)
    _evaluate(run, rows, "final", run.folder.final)
    page = write_report(run.folder.root)
    _write_state(run.folder, "finished", end.state)
    run.view.say(f"finished after {end.state.global_step} steps; the report: {page}")


def _write_final(run: "Run", end: "StageStart") -> None:
    """Write the model after the last stage, complete or not at all."""
    from safetensors import SafetensorError

    from trainer.models import load_model

    part = run.folder.root / ".final.part"
    shutil.rmtree(part, ignore_errors=True)
    model, processor = load_model(run.config.model, end.first)
    try:
        model.save_pretrained(part)
        processor.save_pretrained(part)
    except SafetensorError as error:  # what a full disk becomes there; other writes raise OSError
        shutil.rmtree(part, ignore_errors=True)
        raise CheckpointError(
            f"{run.folder.final}: the model could not be written ({error}); free some space and go on"
        ) from error
    part.replace(run.folder.final)


def _evaluate(run: "Run", rows: RunRows, label: str, weights: Path | None) -> None:
    """Evaluate the weights in a folder (None: the configured model), unless that was done before."""
    if not run.config.evaluation.sets or (run.folder.evaluation / f"{label}.json").is_file():
        return
    from trainer.evaluation import LoadedSet, evaluate
    from trainer.models import load_model
    from trainer.results import save_evaluation

    sets = [LoadedSet(own, rows.sets[own.name]) for own in run.config.evaluation.sets]
    model, processor = load_model(run.config.model, weights)
    result = evaluate(
        run.config,
        sets,
        model,
        processor,
        run.client,
        label,
        lambda name, done, total: run.view.count(f"evaluating {label}: {name}", done, total),
    )
    save_evaluation(result, run.folder.evaluation)
    if run.interrupt.wanted:
        raise Interrupted(f"stopped on request after the evaluation of {label}")


def _status(folder: RunFolder) -> str | None:
    if not folder.state.is_file():
        return None
    return str(json.loads(folder.state.read_text(encoding="utf-8")).get("status"))


def _write_state(folder: RunFolder, status: str, state: CurriculumState) -> None:
    """Note for people where the run is; only `finished` is ever read back."""
    value = {
        "status": status,
        "stage_number": state.stage + 1,
        "stage_step": state.step,
        "global_step": state.global_step,
        "stages_done": [
            {"name": s.name, "steps": s.steps, "outcome": s.outcome, "mean": s.mean} for s in state.finished
        ],
    }
    write_atomically(folder.state, json.dumps(value, indent=1) + "\n")


@contextmanager
def _told_how_to_go_on(folder: RunFolder, shown: View) -> Iterator[None]:
    """Say how to go on, once something is worth going on with; a full disk becomes a CheckpointError."""
    try:
        yield
    except TrainerError:
        _tell(folder, shown)
        raise
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        _tell(folder, shown)
        raise CheckpointError(f"{folder.root}: {error.strerror}; free some space and go on") from error


def _tell(folder: RunFolder, shown: View) -> None:
    complete = complete_checkpoints(folder.checkpoints)
    if complete:
        step = complete[-1].state.global_step
        shown.say(
            f"step {step} is saved; the same command goes on from it, and so does\n"
            f"  trainer run {folder.config} --reward-url URL"
        )
