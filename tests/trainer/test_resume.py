"""A run that is stopped in any way ends with the same weights and the same metrics as one that is not.

Real service, real GRPOTrainer, two stages of six steps; the kill is a SIGKILL of a process of its own.
"""

import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from tests.conftest import ROOT, start_service
from tests.trainer.tiny_vlm import save_config
from trainer.checkpoints import MARKER
from trainer.config_file import load_config
from trainer.errors import CheckpointError, ConfigError, DataError, Interrupted, ServiceUnreachable
from trainer.run import run
from trainer.run_folder import RunFolder, exclusive

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*")]

TIMES = {"step_s", "elapsed_s", "completions_per_s", "reward_wait_s", "reward_wait_share"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, reward_url) -> Path:
    """The folder of a run that nothing interrupted; its configuration lies beside it."""
    folder = tmp_path_factory.mktemp("whole")
    go(save_config(folder, reward_url), folder / "run")
    return folder / "run"


@pytest.fixture
def config(whole) -> Path:
    return whole.parent / "tiny.yaml"


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    """A copy of the finished run, to be made unfinished by the test."""
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for name in ("final", "state.json", "report.html", "report.png"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def go(config: Path, folder: Path, *overrides: str, url: str | None = None) -> str:
    """Run in this process; return what was printed."""
    printed = io.StringIO()
    settings = load_config(config, overrides, reward_url=url, output_dir=folder)
    run(settings, Console(file=printed, width=200))
    return printed.getvalue()


def metrics(folder: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


def steps(folder: Path) -> int:
    file = folder / "metrics.jsonl"
    return file.read_text().count("\n") if file.is_file() else 0


def complete(folder: Path) -> set[str]:
    return {
        str(m.parent.relative_to(folder / "checkpoints")) for m in folder.glob(f"checkpoints/*/*/{MARKER}")
    }


def assert_same_run(folder: Path, whole: Path) -> None:
    assert metrics(folder) == metrics(whole)
    assert (folder / "rollouts.jsonl").read_text() == (whole / "rollouts.jsonl").read_text()
    mine, theirs = (load_file(path / "final" / "model.safetensors") for path in (folder, whole))
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def when(ready: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
    """Act, in a thread, as soon as something is ready."""

    def watch() -> None:
        pause = threading.Event()
        while not ready():
            pause.wait(0.002)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def kill_when(ready: Callable[[], bool], config: Path, folder: Path) -> None:
    """Start the run as a process and SIGKILL it as soon as `ready`."""
    command = [sys.executable, "-m", "trainer", "run", str(config), "--output-dir", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    when(lambda: ready() or process.poll() is not None, process.kill).join()
    assert process.wait() == -signal.SIGKILL


def test_the_tiny_model_learns_something_so_that_equal_weights_mean_something(whole):
    first, last = (load_file(p / "model.safetensors") for p in (whole.parent / "model", whole / "final"))
    assert any(not torch.equal(first[name], last[name]) for name in first)
    assert [line["global_step"] for line in metrics(whole)] == list(range(1, 13))
    assert [line["stage"] for line in metrics(whole)] == ["binary"] * 6 + ["choice"] * 6


def test_a_run_killed_in_the_middle_of_its_second_stage_ends_as_if_it_had_not_been(whole, config, tmp_path):
    folder = tmp_path / "run"
    kill_when(lambda: steps(folder) >= 8, config, folder)
    assert steps(folder) < 12
    assert "01-binary/checkpoint-6" in complete(folder)
    go(config, folder)
    assert_same_run(folder, whole)


def test_a_run_killed_while_it_saves_ends_as_if_it_had_not_been(whole, config, tmp_path):
    folder = tmp_path / "run"
    saving = folder / "checkpoints" / "01-binary" / "checkpoint-4"
    kill_when(saving.is_dir, config, folder)
    go(config, folder)
    assert_same_run(folder, whole)


def test_a_checkpoint_without_its_marker_does_not_count_and_goes_away(whole, config, copy):
    (copy / "checkpoints" / "02-choice" / "checkpoint-6" / MARKER).unlink()
    (copy / "checkpoints" / "02-choice" / "checkpoint-6" / "model.safetensors").write_bytes(b"cut")
    said = go(config, copy)
    assert "choice from step 4" in said
    assert_same_run(copy, whole)


def test_a_run_killed_between_two_stages_goes_on_with_the_next_one(whole, config, copy):
    shutil.rmtree(copy / "checkpoints" / "02-choice")
    said = go(config, copy)
    assert "stage 1/2" not in said
    assert "stage 2/2 choice, at most 6 steps" in said
    assert_same_run(copy, whole)


def test_a_half_written_line_of_metrics_is_written_again(whole, config, copy):
    shutil.rmtree(copy / "checkpoints" / "02-choice" / "checkpoint-6")
    text = (copy / "metrics.jsonl").read_text()
    (copy / "metrics.jsonl").write_text(text[:-30])
    go(config, copy)
    assert_same_run(copy, whole)


def test_a_run_leaves_all_that_explains_it_in_its_folder(whole):
    assert {path.name for path in whole.iterdir()} >= {"config.yaml", "final", "report.html", "state.json"}
    versions = json.loads((whole / "versions.json").read_text())
    assert versions["profiles"]["default"].startswith("sha256:")
    assert versions["contract"] == "1"
    rollouts = [json.loads(line) for line in (whole / "rollouts.jsonl").read_text().splitlines()]
    assert {line["global_step"] for line in rollouts} == set(range(1, 13))
    assert all(line["status"] == "scored" and line["explanation"] for line in rollouts)
    events = [path for path in whole.glob("tensorboard/*/events.out.*") if path.stat().st_size > 1000]
    assert {path.parent.name for path in events} == {"01-binary", "02-choice"}


def test_a_finished_run_says_so_and_does_nothing(whole, config):
    before = {
        path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file() and path.name != ".lock"
    }
    assert "is finished" in go(config, whole)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_configuration_is_refused_and_the_differing_fields_are_named(whole, config):
    with pytest.raises(CheckpointError, match=r"stages\[1\].max_steps: 6 there, 7 here; give another"):
        go(config, whole, "stages[1].max_steps=7")


def test_a_service_that_goes_away_costs_no_completed_step(whole, config, tmp_path):
    folder = tmp_path / "run"
    process, url = start_service()
    with process:
        stopper = when(lambda: steps(folder) >= 3, process.kill)
        with pytest.raises(ServiceUnreachable):
            go(config, folder, url=url)
        stopper.join()
    done = steps(folder)
    assert any(name.endswith(f"checkpoint-{(done - 1) % 6 + 1}") for name in complete(folder))
    go(config, folder)
    assert_same_run(folder, whole)


def test_sigterm_stops_after_a_step_which_is_saved(whole, config, tmp_path):
    folder = tmp_path / "run"
    asker = when(lambda: steps(folder) >= 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted):
        go(config, folder)
    asker.join()
    assert len(complete(folder)) > 0
    go(config, folder)
    assert_same_run(folder, whole)


def test_a_full_disk_loses_no_earlier_checkpoint(whole, config, copy):
    shutil.rmtree(copy / "checkpoints" / "02-choice" / "checkpoint-6")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(f.stat().st_size for f in (copy / "checkpoints" / "02-choice" / "checkpoint-4").iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, hard))
    try:
        with pytest.raises(CheckpointError, match="checkpoint-6: the checkpoint could not be written"):
            go(config, copy)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert complete(copy) == {"01-binary/checkpoint-4", "01-binary/checkpoint-6", "02-choice/checkpoint-4"}
    assert not (copy / "checkpoints" / "02-choice" / "checkpoint-6").exists()
    go(config, copy)
    assert_same_run(copy, whole)


def test_a_full_disk_at_the_end_leaves_no_half_model(whole, config, copy):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(f.stat().st_size for f in (whole / "final").iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, hard))
    try:
        with pytest.raises(CheckpointError, match="final: the model could not be written"):
            go(config, copy)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (copy / "final").exists()
    go(config, copy)
    assert_same_run(copy, whole)


def test_a_resumed_stage_keeps_the_reference_model_of_its_kl_term(whole, config, tmp_path):
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    go(config, straight, "grpo.beta=0.5")
    shutil.copytree(straight, stopped)
    shutil.rmtree(stopped / "final")
    (stopped / "state.json").unlink()
    shutil.rmtree(stopped / "checkpoints" / "02-choice" / "checkpoint-6")
    go(config, stopped, "grpo.beta=0.5")
    assert metrics(straight)[-1]["kl"] > 0
    assert_same_run(stopped, straight)


def test_what_was_wrong_before_a_run_began_can_be_corrected_in_the_same_folder(config, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        go(config, tmp_path / "run", "stages[0].data[0].path=nowhere.jsonl")
    with pytest.raises(ConfigError, match=r"model\.path: cannot load"):
        go(config, tmp_path / "run", "model.path=./data")
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_two_processes_never_run_in_one_folder(config, copy):
    with exclusive(RunFolder(copy)), pytest.raises(CheckpointError, match="another process runs here"):
        go(config, copy)


def test_weights_that_differ_from_the_checkpoint_end_the_run(config, copy, monkeypatch):
    """As transformers own resume does for some architectures: other weights than the folder's stay."""
    from trainer.grpo import StageTrainer

    def forget(self, checkpoint, model=None):
        with torch.no_grad():
            next(self.model.parameters()).add_(1)

    shutil.rmtree(copy / "checkpoints" / "02-choice" / "checkpoint-6")
    monkeypatch.setattr(StageTrainer, "_load_from_checkpoint", forget)
    with pytest.raises(CheckpointError, match="differs from the model in memory"):
        go(config, copy)
