"""What one stage asks of TRL: its arguments, the order of its prompts, its line of metrics, its terminal."""

import io
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from trainer.errors import ConfigError
from trainer.grpo import data_order, has_accelerator, make_arguments, rhythm_of
from trainer.progress import Pace, PlainView, StageView, clock, view
from trainer.run_folder import append_lines
from trainer.step_log import StepPlace, step_line

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*")

LOGS = {
    "loss": 0.25,
    "reward": 1.5,
    "accuracy": 0.5,
    "format": 1.0,
    "unscored": 0.0,
    "frac_reward_zero_std": 0.125,
    "completions/mean_length": 12.0,
    "reward_wait_s": 0.02,
}
PLACE = StepPlace("binary", 3, 13)


def arguments(tmp_path, max_steps=10, save_steps=10, **fields):
    return make_arguments(fields, tmp_path, 5, max_steps, save_steps)


def test_a_stage_trains_on_what_the_machine_has(tmp_path):
    own = arguments(tmp_path, learning_rate=1e-4)
    assert own.use_cpu is not has_accelerator()
    assert own.gradient_checkpointing is has_accelerator()
    assert own.bf16 is has_accelerator()
    assert (own.learning_rate, own.max_steps, own.seed, own.logging_steps) == (1e-4, 10, 5, 1)


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("max_steps", "stages"),
        ("output_dir", "output_dir"),
        ("save_steps", "save_steps"),
        ("report_to", "own value"),
        ("ignore_data_skip", "own value"),
    ],
)
def test_a_field_that_the_run_sets_itself_is_refused_with_the_one_to_use(tmp_path, field, named):
    with pytest.raises(ConfigError, match=f"grpo.{field}: .*{named}"):
        make_arguments({field: 3}, tmp_path, 5, 10, 10)


def test_what_trl_refuses_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match=r"grpo: .*num_generations"):
        arguments(tmp_path, per_device_train_batch_size=4, num_generations=3)


def test_checkpoints_fall_where_a_generation_is_used_up(tmp_path):
    reuse = {"num_iterations": 2, "steps_per_generation": 2, "per_device_train_batch_size": 8}
    assert rhythm_of(arguments(tmp_path, save_steps=8, **reuse)).period == 4
    with pytest.raises(ConfigError, match="save_steps: expected a multiple of 4"):
        arguments(tmp_path, save_steps=10, **reuse)


def test_completions_per_step_count_all_that_is_generated(tmp_path):
    plain = arguments(tmp_path, per_device_train_batch_size=16, gradient_accumulation_steps=2)
    assert rhythm_of(plain).completions == 32
    reused = arguments(tmp_path, per_device_train_batch_size=16, num_iterations=2)
    assert rhythm_of(reused).completions == 8


@given(rows=st.integers(1, 50), steps=st.integers(1, 40))
def test_every_row_is_seen_as_often_as_any_other_give_or_take_one(tmp_path_factory, rows, steps):
    own = arguments(
        tmp_path_factory.getbasetemp(), max_steps=steps, per_device_train_batch_size=16, num_generations=4
    )
    order = data_order(rows, own)
    assert len(order) == steps * 4
    seen = Counter(order)
    counts = [seen[row] for row in range(rows)]
    assert max(counts) - min(counts) <= 1
    assert order == data_order(rows, own)


def test_a_longer_stage_begins_with_the_order_of_a_shorter_one(tmp_path):
    short, long = (data_order(7, arguments(tmp_path, max_steps=steps)) for steps in (3, 9))
    assert long[: len(short)] == short


def test_the_line_of_a_step_has_its_figures_and_the_share_of_waiting(tmp_path):
    line = step_line(PLACE, LOGS, completions=64, step_s=0.5, elapsed_s=9.0)
    assert (line["stage"], line["stage_step"], line["global_step"]) == ("binary", 3, 13)
    assert (line["reward"], line["accuracy"], line["zero_variance"], line["kl"]) == (1.5, 0.5, 0.125, None)
    assert (line["completions_per_s"], line["reward_wait_share"], line["elapsed_s"]) == (128.0, 0.04, 9.0)


def test_what_is_no_finite_number_becomes_null(tmp_path):
    odd = {
        "loss": float("nan"),
        "reward": None,
        "accuracy": float("inf"),
        "format": "1",
        "reward_wait_s": 0.0,
    }
    line = step_line(PLACE, odd, completions=64, step_s=0.5, elapsed_s=9.0)
    append_lines(tmp_path / "metrics.jsonl", [line])
    back = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert [back[name] for name in ("loss", "reward", "accuracy", "format", "unscored")] == [None] * 5


STAGE = StageView("binary", number=1, count=3, max_steps=10, steps_after=20)


def test_time_left_counts_the_caps_of_all_stages_to_come():
    line = step_line(PLACE, LOGS, completions=64, step_s=2.0, elapsed_s=9.0)
    assert Pace().left(STAGE, line) == clock(2.0 * (7 + 20)) == "0:54"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (3723, "1:02:03")])
def test_durations_read_like_a_clock(seconds, text):
    assert clock(seconds) == text


def test_without_a_terminal_progress_is_plain_lines():
    printed = io.StringIO()
    with view(Console(file=printed, width=200)) as shown:
        assert isinstance(shown, PlainView)
        shown.stage(STAGE, 4)
        shown.step(STAGE, step_line(PLACE, LOGS, completions=64, step_s=0.5, elapsed_s=9.0))
        shown.count("evaluating base: test", 5, 10)
        shown.count("evaluating base: test", 10, 10)
    assert printed.getvalue().splitlines() == [
        "stage 1/3 binary from step 4, at most 10 steps",
        "binary 3/10  reward 1.500  accuracy 0.500  128 completions/s  0:14 left",
        "evaluating base: test: 10",
    ]


def test_on_a_terminal_progress_shows_stage_step_reward_accuracy_speed_and_time_left():
    printed = io.StringIO()
    with view(Console(file=printed, width=200, force_terminal=True)) as shown:
        shown.stage(STAGE, 0)
        shown.step(
            STAGE, step_line(PLACE, {**LOGS, "reward": None}, completions=64, step_s=0.5, elapsed_s=9.0)
        )
        shown.say("[a sentence]")
    text = printed.getvalue()
    for part in (
        "1/3 binary",
        "3/10",
        "reward -  accuracy 0.500",
        "128 completions/s",
        "0:14 left",
        "[a sentence]",
    ):
        assert part in text
