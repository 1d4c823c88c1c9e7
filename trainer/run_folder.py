"""One run, one folder: its paths, writes that survive a kill at any point, and whose run it is.

A whole file is written beside its place, forced to disk and renamed into it, so a reader sees the old or the
new one. Lines are appended and flushed; one that a killed run left without its end is dropped at resume.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import yaml

from trainer.config_file import dump_config
from trainer.curriculum import JSON
from trainer.errors import CheckpointError

if TYPE_CHECKING:
    from trainer.config import RunConfig

FREE_FIELDS = frozenset(
    {
        "output_dir",
        "keep_checkpoints",
        "reward.url",
        "reward.api_key_env",
        "reward.timeout_s",
        "reward.retry_budget_s",
    }
)
"""Fields that may change between a run and its resumption: no number of the training depends on them."""

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of a run; nothing is created by asking for one."""

    root: Path

    @property
    def config(self) -> Path:
        """The configuration as resolved."""
        return self.root / "config.yaml"

    @property
    def versions(self) -> Path:
        """Versions of packages and of the service, digests of the profiles."""
        return self.root / "versions.json"

    @property
    def state(self) -> Path:
        """Where the run is, for people and for "this run is finished"."""
        return self.root / "state.json"

    @property
    def metrics(self) -> Path:
        """One line per step."""
        return self.root / "metrics.jsonl"

    @property
    def rollouts(self) -> Path:
        """Sample completions with the service's explanations."""
        return self.root / "rollouts.jsonl"

    @property
    def data(self) -> Path:
        """The data set that the run generated for itself, if it did."""
        return self.root / "data"

    @property
    def checkpoints(self) -> Path:
        """One folder per stage, one checkpoint per folder in it."""
        return self.root / "checkpoints"

    @property
    def final(self) -> Path:
        """The model after the last stage, with its processor."""
        return self.root / "final"

    @property
    def evaluation(self) -> Path:
        """LABEL.json and LABEL.jsonl of each evaluation."""
        return self.root / "evaluation"

    @property
    def tensorboard(self) -> Path:
        """One folder of events per stage."""
        return self.root / "tensorboard"

    def stage(self, number: int, name: str) -> Path:
        """Checkpoints of stage `number`, counted from 0: `checkpoints/01-NAME` is the first."""
        return self.checkpoints / stage_label(number, name)


def stage_label(number: int, name: str) -> str:
    """Return a stage's folder name, which sorts in the order of the stages."""
    return f"{number + 1:02d}-{name}"


@contextmanager
def exclusive(folder: RunFolder) -> Iterator[None]:
    """Make the run folder and hold it; CheckpointError where that cannot be or another process holds it."""
    with _lock_file(folder.root) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                f"{folder.root}: another process runs here; wait for it or give another --output-dir"
            ) from None
        yield


def _lock_file(root: Path) -> TextIO:
    try:
        root.mkdir(parents=True, exist_ok=True)
        return (root / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise CheckpointError(
            f"{root}: cannot be the folder of the run: {error.strerror}; give another --output-dir"
        ) from None


def claim(folder: RunFolder, config: "RunConfig") -> None:
    """Make a folder that is nobody's the folder of this run. Call it once nothing can be wrong any more."""
    if not folder.config.is_file():
        write_atomically(folder.config, dump_config(config))


def refuse_other_run(folder: RunFolder, config: "RunConfig") -> None:
    """Raise CheckpointError, naming the fields that differ, if the folder is of another run.

    Those of FREE_FIELDS may differ. A folder without a configuration is nobody's.
    """
    if not folder.config.is_file():
        return
    there = _settings(folder.config.read_text(encoding="utf-8"))
    here = _settings(dump_config(config))
    differing = [name for name in sorted(there.keys() | here.keys()) if there.get(name) != here.get(name)]
    if differing:
        shown = "; ".join(
            f"{n}: {there.get(n)!r} there, {here.get(n)!r} here" for n in differing[:_MOST_NAMED]
        )
        more = f" (and {len(differing) - _MOST_NAMED} more)" if len(differing) > _MOST_NAMED else ""
        raise CheckpointError(
            f"{folder.root}: holds a run of another configuration: {shown}{more}; give another --output-dir"
        )


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by `text` so that a kill leaves the old or the new file; folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in `folder` to disk, as renames are only then safe from a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_lines(path: Path, lines: list[Mapping[str, JSON]]) -> None:
    """Append one line of JSON per item. Numbers that are not finite are a ValueError."""
    text = "".join(json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n" for line in lines)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def drop_lines_after(path: Path, global_step: int) -> None:
    """Keep the complete lines whose `global_step` is at most the given one; a missing file stays missing."""
    if not path.is_file():
        return
    complete = path.read_text(encoding="utf-8").split("\n")[:-1]
    kept = [line for line in complete if json.loads(line)["global_step"] <= global_step]
    write_atomically(path, "".join(f"{line}\n" for line in kept))


def _settings(text: str) -> dict[str, JSON]:
    """Return the settings that identify a run, flat: `stages[0].max_steps` -> value."""
    document = yaml.safe_load(text)
    if not isinstance(document, dict):
        raise CheckpointError("config.yaml: expected a mapping of fields; the run folder is damaged")
    root = str(document.get("output_dir"))
    flat = dict(_flatten(document, ""))
    return {
        name: value.replace(root, "${output_dir}") if isinstance(value, str) else value
        for name, value in flat.items()
        if name not in FREE_FIELDS
    }


def _flatten(value: JSON, name: str) -> Iterator[tuple[str, JSON]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from _flatten(inner, f"{name}[{place}]")
    else:
        yield name, value
