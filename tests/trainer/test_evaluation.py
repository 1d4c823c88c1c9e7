"""Evaluation: real completions, the real service, and numbers that say what was not scored."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.trainer import tiny_checkpoints
from tests.trainer.run_folders import record
from trainer.client import RewardClient
from trainer.config import EvaluationConfig, EvaluationSet, ModelConfig, RewardConfig, Route
from trainer.data.generate import generate
from trainer.data.rows import Row
from trainer.errors import ConfigError, DataError, ServiceRefused, ServiceUnreachable
from trainer.eval_command import EvalSettings, eval_settings, run_eval, score_table
from trainer.evaluation import boxes_in, evaluate, judge, load_sets
from trainer.generation import Completion
from trainer.intervals import mean_interval
from trainer.models import load_model
from trainer.results import Evaluation, load_evaluation, paired_gain, save_evaluation, score_records

NO_TRAIN = {"train": 0, "ood-more": 0, "ood-small": 0, "ood-background": 0}


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    generate(tmp_path / "data", seed=0, sizes={**NO_TRAIN, "test": 4})
    return tmp_path / "data"


def eval_of(benchmark: Path, url: str, model: str = "model") -> EvalSettings:
    sets = tuple(
        EvaluationSet(name=form, domain="in", path=benchmark / f"test/{form}.jsonl", format=form)
        for form in ("binary", "choice", "open")
    )
    return EvalSettings(
        ModelConfig(path=model, image_position="after"),
        RewardConfig(url=url, profile="curr-reft@1", retry_budget_s=5),
        EvaluationConfig(sets=sets, batch_size=5, max_new_tokens=4),
    )


def test_right_answers_score_one_and_wrong_ones_zero(benchmark: Path, reward_url: str) -> None:
    chosen = eval_of(benchmark, reward_url)
    with RewardClient(chosen.reward) as client:
        for own in load_sets(chosen):
            right = [Completion(f"<think>so</think>{row.solution}", 7) for row in own.rows]
            records, profile = judge(chosen, own, right, None, client)
            score = score_records(records)
            assert (score.accuracy, score.low, score.high, score.format_rate) == (1.0, 1.0, 1.0, 1.0)
            assert (score.n, score.unscored, score.mean_length, score.reward) == (12, 0.0, 7.0, 2.0)
            assert profile["name"] == "curr-reft"
            wrong = [Completion("<think>so</think><answer>zebra</answer>", 7) for _ in right]
            records, _ = judge(chosen, own, wrong, None, client)
            assert score_records(records).accuracy == 0.0


def test_what_the_service_cannot_score_is_left_out_and_counted(benchmark: Path, reward_url: str) -> None:
    chosen = eval_of(benchmark, reward_url)
    own = load_sets(chosen)[2]
    good = [row for row in own.rows if row.task == "math"]
    rows = [*good[:3], replace(good[3], solution="\\frac{")]
    completions = [Completion(row.solution, 1) for row in rows]
    with RewardClient(chosen.reward) as client:
        records, _ = judge(chosen, replace(own, rows=rows), completions, None, client)
    assert [r.status for r in records] == ["scored"] * 3 + ["invalid_reference"]
    assert (records[3].accuracy, records[3].reward) == (None, None)
    score = score_records(records)
    assert (score.n, score.accuracy, score.unscored) == (4, 1.0, 0.25)


def test_boxes_are_told_in_the_models_coordinates_and_drawn_in_pixels(
    benchmark: Path, reward_url: str
) -> None:
    chosen = eval_of(benchmark, reward_url)
    chosen = replace(chosen, model=chosen.model.model_copy(update={"coordinates": "permille"}))
    own = load_sets(chosen)[2]
    rows = [row for row in own.rows if row.task == "detection"]
    completions = [Completion(in_permille(row), 1) for row in rows]
    with RewardClient(chosen.reward) as client:
        records, _ = judge(chosen, replace(own, rows=rows), completions, None, client)
    assert [r.accuracy for r in records] == [1.0] * len(rows)
    assert np.allclose([r.predicted_boxes[0] for r in records], [r.reference_boxes[0] for r in records])


def in_permille(row: Row) -> str:
    (box,) = boxes_in(row.solution)
    return f"<answer>{[c * 1000 / 48 for c in box]}</answer>"


def test_a_model_is_evaluated_on_every_set_the_same_way_twice(
    tmp_path: Path, benchmark: Path, reward_url: str
) -> None:
    chosen = eval_of(benchmark, reward_url, str(tiny_checkpoints.idefics3(tmp_path / "model")))
    model, processor = load_model(chosen.model)
    seen: list[tuple[str, int, int]] = []
    with RewardClient(chosen.reward) as client:
        sets = load_sets(chosen)
        first, second = (
            evaluate(chosen, sets, model, processor, client, "base", lambda *step: seen.append(step))
            for _ in range(2)
        )
    assert first == second
    assert [s.name for s in first.sets if s.task == "all"] == ["binary", "choice", "open"]
    assert [s.task for s in first.sets if s.name == "open"] == ["all", "detection", "classify", "math"]
    assert seen[:3] == [("binary", 5, 12), ("binary", 10, 12), ("binary", 12, 12)]
    save_evaluation(first, tmp_path / "evaluation")
    assert load_evaluation(tmp_path / "evaluation", "base") == first
    summary = json.loads((tmp_path / "evaluation/base.json").read_text(encoding="utf-8"))
    assert {"label", "model", "sets", "profile", "examples"} == set(summary)


def test_trainer_eval_prints_a_table_and_writes_its_records(
    tmp_path: Path, benchmark: Path, reward_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ModelConfig(path=str(tiny_checkpoints.idefics3(tmp_path / "model")), image_position="after")
    chosen = eval_settings(
        model, RewardConfig(url=reward_url), [benchmark / "test/open.jsonl"], "open", "first:6"
    )
    evaluation = run_eval(chosen, output_dir=tmp_path / "out")
    assert len(evaluation.records) == 6
    assert load_evaluation(tmp_path / "out", "eval") == evaluation
    assert "test-open" in capsys.readouterr().out


def test_a_wrong_url_is_found_before_data_and_model(tmp_path: Path) -> None:
    chosen = eval_of(tmp_path / "missing", "http://127.0.0.1:9", str(tmp_path / "missing"))
    with pytest.raises(ServiceUnreachable, match=r"127\.0\.0\.1:9"):
        run_eval(chosen)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"profile": "curr-reft@9"}, ServiceRefused, r"curr-reft@1"),
        (
            {"routes": {"math": Route(task="math", options={"tolerence": 1})}},
            ConfigError,
            r"routes\.math: .*tolerence",
        ),
    ],
)
def test_what_the_service_does_not_serve_is_found_before_data_and_model(
    tmp_path: Path, reward_url: str, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    chosen = eval_of(tmp_path / "missing", reward_url, str(tmp_path / "missing"))
    wrong = replace(chosen, reward=RewardConfig.model_validate({**chosen.reward.model_dump(), **changes}))
    with pytest.raises(error, match=words):
        run_eval(wrong)


def test_the_table_shows_interval_and_unscored_share() -> None:
    records = tuple(record(n, 1.0 if n % 2 else None) for n in range(8))
    console = Console(width=200, record=True, file=SimpleNamespace(write=lambda _: None, flush=lambda: None))
    console.print(score_table(Evaluation("base", "m", {"name": "default", "version": "1.0.0"}, records)))
    text = console.export_text()
    assert "1.000 to 1.000" in text
    assert "50.0%" in text


def test_nothing_scored_has_no_accuracy() -> None:
    score = score_records([record(1, None), record(2, None)])
    assert (score.accuracy, score.low, score.reward, score.unscored) == (None, None, None, 1.0)


def test_a_gain_is_paired_by_item() -> None:
    before = [record(1, 0.2), record(2, 0.4), record(3, 0.9), record(4, None)]
    after = [record(4, 1.0), record(3, None), record(2, 0.9), record(1, 0.7), record(5, 0.0)]
    gain = paired_gain(before, after)
    assert gain.mean == pytest.approx(0.5)
    assert gain.low == pytest.approx(0.5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_an_interval_holds_the_mean_and_stays_within_the_values(values: list[float]) -> None:
    interval = mean_interval(values)
    assert min(values) - 1e-9 <= interval.low <= interval.mean + 1e-9
    assert interval.mean - 1e-9 <= interval.high <= max(values) + 1e-9
    assert mean_interval(values) == interval


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    intervals = [mean_interval(rng.binomial(1, 0.6, 80).tolist()) for _ in range(200)]
    assert 0.9 <= np.mean([i.low <= 0.6 <= i.high for i in intervals]) <= 0.98


def test_a_damaged_evaluation_is_named(tmp_path: Path) -> None:
    save_evaluation(Evaluation("base", "m", {}, (record(1, 1.0),)), tmp_path)
    (tmp_path / "base.jsonl").write_text('{"set": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"base\.json: not a readable evaluation"):
        load_evaluation(tmp_path, "base")


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("<think>[9, 9, 9, 9]</think><answer>[1, 2, 3.5, 4]</answer>", [(1, 2, 3.5, 4)]),
        ("[[1,2,3,4], [5,6,7,8]]", [(1, 2, 3, 4), (5, 6, 7, 8)]),
        ("[1, 2, 3]", []),
        ("[1, 2, 3, 4, 5]", []),
        ("none", []),
    ],
)
def test_boxes_for_drawing_are_read_from_the_answer(text: str, boxes: list[tuple[float, ...]]) -> None:
    assert boxes_in(text) == boxes


def test_files_of_the_same_name_are_sets_of_their_own(tmp_path: Path) -> None:
    files = [tmp_path / "my data/open.jsonl", tmp_path / "b/open.jsonl", tmp_path / "my data/open.jsonl"]
    chosen = eval_settings(ModelConfig(path="m"), RewardConfig(), files, "open")
    assert [own.name for own in chosen.evaluation.sets] == ["my-data-open", "b-open", "my-data-open-3"]
