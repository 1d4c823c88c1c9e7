"""Reading run configurations: what is accepted, and what the errors say."""

from pathlib import Path

import pytest

from trainer.config import DEFAULT_ROUTES
from trainer.config_fields import PACKAGE_FOLDER
from trainer.config_file import dump_config, load_config
from trainer.config_grpo import check_grpo_fields
from trainer.errors import ConfigError

YAML = """
name: small
output_dir: out
model: {path: package:demo_model}
grpo: {learning_rate: 1e-4, num_generations: 4}
stages:
  - name: binary
    format: binary
    data: [{path: "${output_dir}/data/binary.jsonl", sample: "first:10"}, {path: more.jsonl, weight: 0.5}]
    max_steps: 60
    gate: {threshold: 0.8, window: 5}
  - name: open
    format: open
    data: [{path: /elsewhere/open.jsonl}]
    max_steps: 30
    grpo: {num_generations: 8}
    reward: {profile: default, routes: {math: {task: math, options: {tolerance: 0.01}}}}
evaluation:
  sets: [{name: test, domain: in, path: test.jsonl, format: open}]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "configs" / "run.yaml"
    path.parent.mkdir()
    path.write_text(YAML)
    return path


def refusal(file: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_paths_of_inputs_are_relative_to_the_file_and_the_output_to_the_working_directory(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(file)
    assert config.output_dir == tmp_path / "out"
    first, second = config.stages[0].data
    assert first.path == tmp_path / "out" / "data" / "binary.jsonl"
    assert second.path == file.parent / "more.jsonl"
    assert config.stages[1].data[0].path == Path("/elsewhere/open.jsonl")
    assert config.evaluation.sets[0].path == file.parent / "test.jsonl"
    assert config.model.path == str(PACKAGE_FOLDER / "demo_model")


def test_a_model_that_is_no_folder_stays_a_hub_name(file: Path) -> None:
    config = load_config(file, ["model.path=Qwen/Qwen2.5-VL-3B-Instruct"])
    assert config.model.path == "Qwen/Qwen2.5-VL-3B-Instruct"


def test_a_model_folder_beside_the_file_becomes_absolute(file: Path) -> None:
    (file.parent / "mine").mkdir()
    assert load_config(file, ["model.path=mine"]).model.path == str(file.parent / "mine")


def test_overrides_reach_into_lists_and_the_last_wins(file: Path) -> None:
    config = load_config(file, ["stages[0].max_steps=5", "seed=1", "seed=2", "grpo.beta=0.1"])
    assert config.stages[0].max_steps == 5
    assert config.seed == 2
    assert config.grpo == {"learning_rate": 1e-4, "num_generations": 4, "beta": 0.1}


def test_an_override_takes_the_place_of_a_mapping(file: Path) -> None:
    assert load_config(file, ["grpo={beta: 0.1}"]).grpo == {"beta": 0.1}
    assert load_config(file, ["grpo={}"]).grpo == {}


def test_options_of_the_command_line_win_over_overrides(file: Path, tmp_path: Path) -> None:
    config = load_config(
        file,
        ["reward.url=http://a:1", "output_dir=x"],
        reward_url="http://b:2/",
        output_dir=tmp_path / "there",
    )
    assert config.reward.url == "http://b:2"
    assert config.output_dir == tmp_path / "there"
    assert config.stages[0].data[0].path == tmp_path / "there" / "data" / "binary.jsonl"


def test_a_stage_sees_the_runs_settings_with_its_own_on_top(file: Path) -> None:
    config = load_config(file)
    binary, final = config.stages
    assert config.reward_of(binary) == config.reward
    assert config.reward_of(final).profile == "default"
    assert config.reward_of(final).routes["math"].options == {"tolerance": 0.01}
    assert config.reward_of(final).routes["binary"] == DEFAULT_ROUTES["binary"]
    assert config.grpo_of(final) == {"learning_rate": 1e-4, "num_generations": 8}


def test_routes_of_the_file_join_the_default_ones(file: Path) -> None:
    routes = load_config(file, ["reward.routes={caption: {task: open-ended}}"]).reward.routes
    assert routes.keys() == DEFAULT_ROUTES.keys() | {"caption"}


def test_what_is_dumped_reads_back_equal_from_any_folder(file: Path, tmp_path: Path) -> None:
    config = load_config(file)
    other = tmp_path / "elsewhere" / "config.yaml"
    other.parent.mkdir()
    other.write_text(dump_config(config))
    assert load_config(other) == config


def test_every_shipped_configuration_can_be_read(tmp_path: Path) -> None:
    shipped = sorted((PACKAGE_FOLDER / "configs").glob("**/*.yaml"))
    assert shipped
    for path in shipped:
        assert load_config(path, output_dir=tmp_path).stages


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("stages[0].max_step=5", "stages[0]: unknown field 'max_step', did you mean max_steps?"),
        ("model.pth=x", "model: unknown field 'pth', did you mean path?"),
        ("sead=1", "unknown field 'sead', did you mean seed"),
        ("stages[0].max_steps=0", "stages[0].max_steps: expected greater than or equal to 1, got 0"),
        ("stages[0].format=opne", "stages[0].format: expected 'binary', 'choice' or 'open', got 'opne'"),
        ("stages[0].data[0].sample=frst:1", "stages[0].data[0].sample: expected all, first:N, end:N"),
        ("stages[0].gate.threshold=.nan", "stages[0].gate.threshold: expected"),
        (
            "stages[0].gate.threshold=1.5",
            "stages[0].gate.threshold: expected less than or equal to 1, got 1.5",
        ),
        ("stages[1].name=binary", "stages: two are named binary; names must differ"),
        ("stages[1].name=../up", "stages[1].name: expected"),
        ("stages[7].max_steps=1", "stages[7].max_steps: no such field to override"),
        ("stages=[]", "stages: expected"),
        ("reward.url=foo", "reward.url: expected a valid URL"),
        ("reward.url=ftp://host/", "reward.url: expected"),
        ("reward.timeout_s=soon", "reward.timeout_s: expected a valid number"),
        ("reward.timeout_s=0", "reward.timeout_s: expected greater than 0, got 0"),
        ("reward.max_unscored=2", "reward.max_unscored: expected less than or equal to 1, got 2"),
        ("reward.profile=a b", "reward.profile: expected"),
        ("reward.routes.math={task: maths}", "reward.routes.math.task: expected 'choice', 'open-ended'"),
        ("model.path=null", "model.path: expected a valid string, got None"),
        ("output_dir=3", "output_dir: expected the folder of the run, got 3"),
        ("name=${nope}", "Interpolation key 'nope' not found"),
        ("seed={", "seed: '{' is not YAML"),
        ("seed", "an override is field.path=value"),
    ],
)
def test_a_wrong_value_is_told_with_field_value_and_expectation(
    file: Path, override: str, expected: str
) -> None:
    assert expected in refusal(file, override)


def test_several_wrong_values_are_told_together(file: Path) -> None:
    text = refusal(file, "seed=-1", "save_steps=0")
    assert "seed: expected" in text
    assert "save_steps: expected" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stages: [\n", "run.yaml:2: not YAML"),
        ("a: 1\na: 2\n", "run.yaml:2: not YAML"),
        ("- 1\n", "expected a mapping of fields"),
        ("", "output_dir: expected"),
        ("output_dir: x\n", "is missing"),
        ("\xff", "run.yaml"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(file: Path, text: str, expected: str) -> None:
    file.write_bytes(text.encode("latin-1"))
    assert expected in refusal(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert "there is no such configuration file" in refusal(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "grpo.learning_rat=1",
            "grpo: unknown field 'learning_rat' of TRL's GRPOConfig; did you mean learning_rate",
        ),
        ("stages[1].grpo.num_generation=2", "stages[1].grpo: unknown field 'num_generation'"),
        ("grpo.learning_rate=fast", "grpo.learning_rate: expected a valid number"),
        ("grpo.num_generations=2.5", "grpo.num_generations: expected a valid integer"),
    ],
)
def test_a_wrong_grpo_field_is_told_with_near_matches(file: Path, override: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_grpo_fields(load_config(file, [override]))
    assert expected in str(caught.value)


def test_right_grpo_fields_pass(file: Path) -> None:
    check_grpo_fields(load_config(file, ["grpo.scale_rewards=false", "grpo.bf16=false"]))
