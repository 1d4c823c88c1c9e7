"""What is found before a model loads, against the real service."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.faults.proxy import FaultProxy, JSONObject, edit
from trainer.client import RewardClient
from trainer.config import RunConfig
from trainer.config_file import load_config
from trainer.errors import ConfigError, DataError, ServiceRefused, ServiceUnreachable
from trainer.preflight import check_data, check_service

ROWS = [
    {"problem": "Is it red?", "solution": "<answer>yes</answer>", "task": "detection", "format": "binary"},
    {
        "problem": "Which?",
        "solution": "B",
        "task": "classify",
        "format": "choice",
        "choices": ["red", "blue"],
    },
    {"problem": "Where?", "solution": "<answer>[1, 1, 9, 9]</answer>", "task": "detection", "format": "open"},
    {"problem": "Which digits?", "solution": "one, two", "task": "classify", "format": "open"},
    {"problem": "What sum?", "solution": "<think>1+2</think><answer>3</answer>", "task": "math"},
]


def write_run(folder: Path, rows: list[dict[str, object]], **reward: object) -> Path:
    Image.new("RGB", (20, 20)).save(folder / "image.png")
    lines = [json.dumps({**row, "image": "image.png"}) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    document = {
        "output_dir": str(folder / "out"),
        "model": {"path": "package:demo_model"},
        "reward": reward,
        "stages": [{"name": "open", "format": "open", "data": [{"path": "rows.jsonl"}], "max_steps": 2}],
        "evaluation": {"sets": [{"name": "test", "domain": "in", "path": "rows.jsonl", "format": "open"}]},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(document))
    return folder / "run.yaml"


@pytest.fixture
def between(reward_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(reward_url) as own:
        yield own


def check(config: RunConfig) -> None:
    with RewardClient(config.reward) as client:
        check_service(config, client)
        check_data(config, client)


def test_right_rows_pass_and_equal_references_are_scored_once(tmp_path: Path, between: FaultProxy) -> None:
    config = load_config(write_run(tmp_path, ROWS * 3), reward_url=between.url)
    with RewardClient(config.reward) as client:
        rows = check_data(config, client)
    assert len(rows.stages["open"]) == len(rows.sets["test"]) == 15
    assert len(between.items(-1)) == 5


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({**ROWS[2], "solution": "<answer>[5, 5, 5, 5]</answer>"}, "invalid_reference"),
        ({**ROWS[4], "solution": "<answer>3 +</answer>"}, "reward math"),
        ({**ROWS[1], "solution": "purple"}, "reward choice"),
    ],
)
def test_a_reference_that_is_not_its_own_right_answer_is_named_by_file_and_line(
    tmp_path: Path, reward_url: str, fault: dict[str, object], words: str
) -> None:
    config = load_config(write_run(tmp_path, [*ROWS, fault]), reward_url=reward_url)
    with pytest.raises(DataError) as caught:
        check(config)
    assert f"{tmp_path / 'rows.jsonl'}:6: solution" in str(caught.value)
    assert words in str(caught.value)
    assert "rows.jsonl:1" not in str(caught.value)


def test_many_bad_references_are_counted_and_the_first_five_named(tmp_path: Path, reward_url: str) -> None:
    bad = [{**ROWS[2], "solution": f"[{i}, 5, {i}, 5]"} for i in range(9)]
    with pytest.raises(DataError, match=r"rows\.jsonl:5: .*\(and 4 more\)") as caught:
        check(load_config(write_run(tmp_path, bad), reward_url=reward_url))
    assert "rows.jsonl:6" not in str(caught.value)


def test_boxes_are_checked_as_pixels_whatever_unit_the_model_answers_in(
    tmp_path: Path, reward_url: str
) -> None:
    routes = {
        "detection": {"task": "grounding", "options": {"coordinates": "permille", "image_size": [20, 20]}}
    }
    check(load_config(write_run(tmp_path, ROWS, routes=routes), reward_url=reward_url))


@pytest.mark.parametrize(("accuracy", "passes"), [(1 - 1e-9, True), (0.999, False)])
def test_what_converted_coordinates_lose_by_rounding_is_no_fault(
    tmp_path: Path, between: FaultProxy, accuracy: float, passes: bool
) -> None:
    def lower(answer: JSONObject) -> None:
        for result in answer["results"]:
            result["components"]["accuracy"] = accuracy

    config = load_config(write_run(tmp_path, ROWS), reward_url=between.url)
    between.always = edit(lower)
    with nullcontext() if passes else pytest.raises(DataError, match="expected 1"):
        check(config)


def test_a_row_without_a_route_is_named(tmp_path: Path, reward_url: str) -> None:
    path = write_run(tmp_path, [ROWS[0]], routes={})
    config = load_config(path, reward_url=reward_url)
    routes = {name: route for name, route in config.reward.routes.items() if name != "binary"}
    config = config.model_copy(update={"reward": config.reward.model_copy(update={"routes": routes})})
    with pytest.raises(ConfigError, match=r"no route for 'binary' rows; .*rows\.jsonl:1 needs it"):
        check(config)


def test_an_unreadable_row_is_found_before_anything_is_scored(tmp_path: Path, between: FaultProxy) -> None:
    row = {name: value for name, value in ROWS[0].items() if name != "solution"}
    with pytest.raises(DataError, match=r"rows\.jsonl:2: no solution"):
        check(load_config(write_run(tmp_path, [ROWS[0], row]), reward_url=between.url))
    assert all(len(between.items(i)) == 1 for i in range(len(between.requests)))  # probes alone


def test_nobody_listening_is_told_before_the_data_are_read(tmp_path: Path, unused_url: str) -> None:
    with pytest.raises(ServiceUnreachable, match="no reward service answers"):
        check(load_config(write_run(tmp_path, []), reward_url=unused_url))


def test_a_profile_that_is_not_served_is_told_with_those_that_are(tmp_path: Path, reward_url: str) -> None:
    config = load_config(write_run(tmp_path, ROWS, profile="curr-reft@7"), reward_url=reward_url)
    with pytest.raises(ServiceRefused, match="curr-reft@1"):
        check(config)


def test_an_option_that_the_service_does_not_know_is_told_with_its_route(
    tmp_path: Path, reward_url: str
) -> None:
    routes = {"math": {"task": "math", "options": {"tolerence": 0.1}}}
    config = load_config(write_run(tmp_path, ROWS, routes=routes), reward_url=reward_url)
    with pytest.raises(ConfigError, match=r"reward\.routes\.math: .*tolerence"):
        check(config)


def test_a_server_that_is_no_reward_service_is_told(tmp_path: Path, between: FaultProxy) -> None:
    config = load_config(write_run(tmp_path, ROWS), reward_url=between.url + "/elsewhere")
    with RewardClient(config.reward) as client, pytest.raises(ServiceRefused, match="404"):
        check_service(config, client)
