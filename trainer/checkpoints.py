"""Checkpoints that are complete or absent, never half there.

transformers writes a checkpoint file by file. It counts only once `curriculum.json` lies in it, which is
written last, after everything else was forced to disk. A folder without it is what a kill or a full disk left
behind: it is ignored, and removed when the run is resumed. The file holds the state of the curriculum after
the step of the checkpoint, so weights, optimizer, random numbers and curriculum are always of one step.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.curriculum import CurriculumState, from_json, to_json
from trainer.errors import CheckpointError
from trainer.run_folder import sync_folder, write_atomically

MARKER = "curriculum.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A complete checkpoint: `state` is the curriculum after its step, `elapsed_s` seconds were trained.

    If its step was the last of a stage, `state` is the beginning of the next one.
    """

    folder: Path
    state: CurriculumState
    elapsed_s: float


def seal(folder: Path, state: CurriculumState, elapsed_s: float) -> None:
    """Make the checkpoint in `folder` count. Raises OSError where the disk does not take it."""
    for file in folder.rglob("*"):
        if file.is_file():
            _sync(file)
    marker = {"state": to_json(state), "elapsed_s": elapsed_s}
    write_atomically(folder / MARKER, json.dumps(marker, indent=1) + "\n")
    sync_folder(folder.parent)


def complete_checkpoints(root: Path) -> list[Checkpoint]:
    """Return the complete checkpoints of all stages under `root`, the latest last.

    Raises CheckpointError where a marker is damaged.
    """
    found = [_read(marker) for marker in root.glob(f"*/*/{MARKER}")]
    return sorted(found, key=lambda checkpoint: checkpoint.state.global_step)


def discard_incomplete(root: Path) -> list[Path]:
    """Remove every checkpoint folder without a marker; return what was removed."""
    broken = [folder for folder in root.glob("*/checkpoint-*") if not (folder / MARKER).is_file()]
    for folder in broken:
        shutil.rmtree(folder)
    return broken


def prune(stage_folder: Path, keep: int) -> None:
    """Remove all but the latest `keep` complete checkpoints of one stage."""
    found = complete_checkpoints(stage_folder.parent)
    own = [checkpoint.folder for checkpoint in found if checkpoint.folder.parent == stage_folder]
    for folder in own[:-keep]:
        (folder / MARKER).unlink()  # first, so that a kill in between leaves no half checkpoint that counts
        shutil.rmtree(folder)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(marker: Path) -> Checkpoint:
    try:
        value = json.loads(marker.read_text(encoding="utf-8"))
        if not isinstance(value, Mapping):
            raise ValueError(f"expected an object, got {type(value).__name__}")
        return Checkpoint(marker.parent, from_json(value["state"]), float(value["elapsed_s"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{marker}: damaged ({error}); remove {marker.parent} to go on from the checkpoint before it"
        ) from error
