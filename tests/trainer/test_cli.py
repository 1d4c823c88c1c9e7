"""The command line: exit codes, one-line errors, and what is not imported on the way to them."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from trainer import __version__
from trainer.__main__ import main

CONFIG = """
output_dir: out
model: {path: package:demo_model}
stages: [{name: open, format: open, data: [{path: rows.jsonl}], max_steps: 2}]
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(CONFIG)
    return tmp_path / "run.yaml"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    Image.new("RGB", (20, 20)).save(tmp_path / "image.png")
    row = {"problem": "Sum?", "solution": "3", "task": "math", "image": "image.png"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path / "rows.jsonl"


def refusal(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    assert main([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("trainer: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    return captured.err


def test_a_wrong_address_is_one_line_and_exit_code_3(
    config: Path, unused_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unused_url in refusal(capsys, 3, "run", config, "--reward-url", unused_url)


def test_a_missing_profile_is_one_line_and_exit_code_4(
    config: Path, reward_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = refusal(capsys, 4, "run", config, "--reward-url", reward_url, "reward.profile=curr-reft@9")
    assert "curr-reft@1" in text


def test_a_folder_that_cannot_be_made_is_one_line_and_exit_code_6(
    config: Path, rows: Path, reward_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    inside_a_file = rows / "run"
    text = refusal(capsys, 6, "run", config, "--reward-url", reward_url, "--output-dir", inside_a_file)
    assert f"{inside_a_file}: cannot be the folder of the run: Not a directory" in text


def test_a_log_that_cannot_be_written_is_one_line_and_exit_code_2(
    rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "service.log: Not a directory" in refusal(capsys, 2, "demo", "--output-dir", rows / "run")


def test_results_that_could_not_be_written_are_refused_before_a_model_loads(
    rows: Path, reward_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", "none", "--data", rows, "--reward-url", reward_url, "--output-dir", rows / "out"]
    assert f"{rows / 'out'}: Not a directory" in refusal(capsys, 2, "eval", *given)
    assert "cannot be written: Not a directory" in refusal(capsys, 2, "data", "generate", rows / "data")


def test_a_wrong_field_is_one_line_and_exit_code_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean max_steps?" in refusal(capsys, 2, "run", config, "stages[0].max_step=1")


@pytest.mark.parametrize("command", [["run", "CONFIG"], ["demo"], ["eval", "--config", "CONFIG"]])
def test_a_wrong_address_is_told_before_torch_is_imported(
    config: Path, unused_url: str, command: list[str]
) -> None:
    arguments = [str(config) if word == "CONFIG" else word for word in command] + ["--reward-url", unused_url]
    code = (
        "import sys; from trainer.__main__ import main; "
        f"code = main({arguments!r}); "
        "heavy = {'torch', 'transformers', 'trl', 'datasets', 'sklearn'} & sys.modules.keys(); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert "no reward service answers" in done.stderr
    assert [path.name for path in config.parent.iterdir()] == ["run.yaml"]


def test_the_distribution_and_the_package_have_one_version() -> None:
    assert importlib.metadata.version("plumbline-trainer") == __version__


def test_the_module_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trainer", "--version"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"trainer {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run"],
        ["run", "x.yaml", "--fast"],
        ["run", "x.yaml", "word"],
        ["report", "folder", "seed=1"],
        ["data"],
        ["data", "check", "x.jsonl", "--format", "multiple"],
    ],
)
def test_a_command_line_that_makes_no_sense_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: trainer" in capsys.readouterr().err


def test_eval_wants_a_configuration_or_a_model_with_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert "give --config CONFIG, or --model" in refusal(capsys, 2, "eval", "--model", "x")


def test_overrides_may_stand_before_and_after_options(
    config: Path, unused_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal(capsys, 3, "run", config, "seed=1", "--reward-url", unused_url, "save_steps=2")


def test_data_check_reads_rows_and_scores_references_where_a_service_is_named(
    rows: Path, reward_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "check", str(rows)]) == 0
    assert capsys.readouterr().out == "1 rows can be read; give --reward-url to score their references too\n"
    assert main(["data", "check", str(rows), "--reward-url", reward_url]) == 0
    assert "every reference gets full marks" in capsys.readouterr().out


def test_data_check_names_the_line_of_a_bad_reference(
    rows: Path, reward_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows.write_text(rows.read_text() + rows.read_text().replace('"3"', '"3 +"'))
    assert "rows.jsonl:2" in refusal(capsys, 2, "data", "check", rows, "--reward-url", reward_url)


def test_data_generate_writes_rows_that_data_check_reads(
    tmp_path: Path, reward_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["train=3", "test=0", "ood-more=0", "ood-small=0", "ood-background=0"]
    assert main(["data", "generate", str(tmp_path / "data"), "--scenes", *sizes]) == 0
    files = sorted(str(path) for path in (tmp_path / "data" / "train").glob("*.jsonl"))
    capsys.readouterr()
    assert main(["data", "check", *files, "--reward-url", reward_url]) == 0
    assert capsys.readouterr().out.startswith("27 rows")


@pytest.mark.parametrize("sizes", ["train=many", "train", "trane=3"])
def test_data_generate_refuses_sizes_that_make_no_sense(
    tmp_path: Path, sizes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--scenes" in refusal(capsys, 2, "data", "generate", tmp_path / "data", "--scenes", sizes)


def test_a_folder_that_is_no_run_has_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refusal(capsys, 2, "report", tmp_path)
