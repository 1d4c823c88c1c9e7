"""The run folder: writes that are whole or absent, checkpoints that count, whose run it is. No model."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.checkpoints import MARKER, complete_checkpoints, discard_incomplete, prune, seal
from trainer.config import RunConfig
from trainer.curriculum import CurriculumState, FinishedStage
from trainer.errors import CheckpointError
from trainer.run_folder import (
    RunFolder,
    append_lines,
    claim,
    drop_lines_after,
    exclusive,
    refuse_other_run,
    write_atomically,
)
from trainer.versions import read_digests, write_versions
from trainer.wire import ServiceIdentity


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def config(folder, **changes):
    stage = {
        "name": "binary",
        "format": "binary",
        "data": [{"path": f"{folder.root}/data/a.jsonl"}],
        "max_steps": 5,
    }
    fields = {"output_dir": str(folder.root), "model": {"path": "model"}, "stages": [stage]}
    return RunConfig.model_validate({**fields, **changes})


def save(folder, number, name, step, state, sealed=True):
    checkpoint = folder.stage(number, name) / f"checkpoint-{step}"
    (checkpoint / "inner").mkdir(parents=True)
    (checkpoint / "inner" / "weights").write_bytes(b"w")
    if sealed:
        seal(checkpoint, state, 1.5)
    return checkpoint


def test_stage_folders_sort_in_the_order_of_the_stages(folder):
    names = [folder.stage(number, "x").name for number in range(12)]
    assert names == sorted(names)
    assert names[0] == "01-x"


def test_a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "deep" / "state.json"
    write_atomically(path, "old")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "state.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"


@settings(max_examples=50)
@given(lines=st.integers(0, 9), keep=st.integers(0, 9), cut=st.integers(1, 200))
def test_dropping_lines_keeps_exactly_the_complete_ones_up_to_the_step(tmp_path_factory, lines, keep, cut):
    path = tmp_path_factory.mktemp("lines") / "metrics.jsonl"
    append_lines(path, [{"global_step": step, "text": "ä\n"} for step in range(1, lines + 1)])
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-cut], encoding="utf-8")
    complete = text[:-cut].count("\n")
    drop_lines_after(path, keep)
    kept = [json.loads(line)["global_step"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert kept == list(range(1, min(keep, complete) + 1))


def test_dropping_lines_of_a_missing_file_makes_none(tmp_path):
    drop_lines_after(tmp_path / "metrics.jsonl", 3)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_a_number_that_is_not_finite_never_becomes_a_line(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        append_lines(tmp_path / "metrics.jsonl", [{"loss": float("nan")}])
    assert not (tmp_path / "metrics.jsonl").exists()


def test_the_latest_checkpoint_comes_last_across_stages(folder):
    done = FinishedStage("binary", 20, "promote", 0.9)
    save(folder, 1, "choice", 4, CurriculumState(1, 4, (0.5,), 1, (done,)))
    save(folder, 0, "binary", 20, CurriculumState(1, finished=(done,)))
    save(folder, 0, "binary", 10, CurriculumState(0, 10, (0.25,)))
    found = complete_checkpoints(folder.checkpoints)
    assert [checkpoint.state.global_step for checkpoint in found] == [10, 20, 24]
    assert found[-1].state == CurriculumState(1, 4, (0.5,), 1, (done,))
    assert found[-1].elapsed_s == 1.5


def test_a_checkpoint_without_its_marker_neither_counts_nor_stays(folder):
    whole = save(folder, 0, "binary", 2, CurriculumState(0, 2))
    half = save(folder, 0, "binary", 4, CurriculumState(0, 4), sealed=False)
    assert [c.folder for c in complete_checkpoints(folder.checkpoints)] == [whole]
    assert discard_incomplete(folder.checkpoints) == [half]
    assert whole.is_dir()
    assert not half.exists()


def test_pruning_keeps_the_latest_of_its_stage_and_all_of_the_others(folder):
    done = FinishedStage("binary", 2, "cap", None)
    first = save(folder, 0, "binary", 2, CurriculumState(1, finished=(done,)))
    own = [save(folder, 1, "choice", step, CurriculumState(1, step, finished=(done,))) for step in (8, 9, 10)]
    prune(folder.stage(1, "choice"), 2)
    assert [c.folder for c in complete_checkpoints(folder.checkpoints)] == [first, *own[1:]]


def test_a_damaged_marker_is_an_error_that_says_what_to_remove(folder):
    checkpoint = save(folder, 0, "binary", 2, CurriculumState(0, 2))
    (checkpoint / MARKER).write_text("{}")
    with pytest.raises(CheckpointError, match=f"damaged .*; remove {checkpoint}"):
        complete_checkpoints(folder.checkpoints)


def test_the_same_configuration_finds_its_folder_again_whatever_service_it_asks(folder):
    claim(folder, config(folder))
    refuse_other_run(folder, config(folder, reward={"url": "http://elsewhere:1"}, keep_checkpoints=5))


def test_a_folder_without_a_configuration_is_nobodys(folder):
    folder.root.mkdir()
    refuse_other_run(folder, config(folder))


def test_a_folder_that_was_moved_is_still_the_same_run(folder, tmp_path):
    claim(folder, config(folder))
    folder.root.rename(tmp_path / "moved")
    moved = RunFolder(tmp_path / "moved")
    refuse_other_run(moved, config(moved))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 1}, "seed: 0 there, 1 here"),
        ({"reward": {"profile": "default"}}, "reward.profile: 'curr-reft@1' there, 'default' here"),
        ({"grpo": {"beta": 0.04}}, "grpo.beta: None there, 0.04 here"),
        ({"model": {"path": "other"}}, "model.path: 'model' there, 'other' here"),
    ],
)
def test_another_configuration_is_refused_by_the_fields_that_differ(folder, changes, named):
    claim(folder, config(folder))
    with pytest.raises(CheckpointError, match="another configuration") as error:
        refuse_other_run(folder, config(folder, **changes))
    assert named in str(error.value)


def test_only_one_process_holds_a_folder(folder):
    with exclusive(folder), pytest.raises(CheckpointError, match="another process"), exclusive(folder):
        pass
    with exclusive(folder):
        pass


def test_profile_digests_are_read_back_and_absent_in_a_new_run(folder):
    assert read_digests(folder.versions) == {}
    write_versions(folder.versions, ServiceIdentity(version="0.1.0", contract="1"), {"default": "sha256:1"})
    assert read_digests(folder.versions) == {"default": "sha256:1"}
    assert json.loads(folder.versions.read_text())["torch"]
    folder.versions.write_text("[]")
    with pytest.raises(CheckpointError, match="damaged"):
        read_digests(folder.versions)
