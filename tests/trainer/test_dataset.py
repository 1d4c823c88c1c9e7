"""Rows as TRL gets them: conversation, image, and what the reward needs."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from trainer.config import ModelConfig
from trainer.coordinates import to_pixels
from trainer.data.dataset import conversation, make_dataset, row_options
from trainer.data.rows import Row
from trainer.errors import ConfigError

QWEN = SimpleNamespace(
    image_processor=SimpleNamespace(
        patch_size=14, merge_size=2, size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 100}
    )
)


def settings(**changes: object) -> ModelConfig:
    return ModelConfig(path="model", **changes)


@pytest.fixture
def row(tmp_path: Path) -> Row:
    Image.new("L", (640, 480)).save(tmp_path / "grey.png")
    return Row(
        id="r1",
        problem="Where?",
        solution="<answer>[1, 2, 3, 4]</answer>",
        task="detection",
        image=tmp_path / "grey.png",
        image_size=(640, 480),
        format="open",
        choices=None,
        source="rows.jsonl:1",
    )


def test_a_row_becomes_a_prompt_with_its_image_and_what_the_reward_needs(row: Row) -> None:
    (item,) = make_dataset([row], settings(image_position="after"), QWEN)
    image = item.pop("image")
    assert (image.mode, image.size) == ("RGB", (640, 480))
    assert item == {
        "prompt": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Where?"}, {"type": "image", "text": None}],
            }
        ],
        "reference": "<answer>[1, 2, 3, 4]</answer>",
        "task": "detection",
        "format": "open",
        "row_id": "r1",
        "row_options": "{}",
    }


@pytest.mark.parametrize(("position", "types"), [("before", ["image", "text"]), ("after", ["text", "image"])])
def test_the_image_stands_where_the_configuration_says(row: Row, position: str, types: list[str]) -> None:
    (message,) = conversation(row, settings(image_position=position))
    assert [part["type"] for part in message["content"]] == types


def test_a_system_prompt_comes_first(row: Row) -> None:
    first, second = conversation(row, settings(system_prompt="Be brief."))
    assert (first["role"], first["content"]) == ("system", [{"type": "text", "text": "Be brief."}])
    assert second["role"] == "user"


@pytest.mark.parametrize(
    ("coordinates", "expected"),
    [
        ("pixel", {}),
        ("unit", {"coordinates": "unit", "image_size": [640, 480]}),
        ("permille", {"coordinates": "permille", "image_size": [640, 480]}),
        ("resized", {"coordinates": "resized", "image_size": [640, 480], "resized_size": [308, 224]}),
    ],
)
def test_the_service_is_told_the_coordinates_of_the_boxes(
    row: Row, coordinates: str, expected: dict[str, object]
) -> None:
    assert row_options(row, settings(coordinates=coordinates), QWEN).get("grounding", {}) == expected
    (item,) = make_dataset([row], settings(coordinates=coordinates), QWEN)
    assert json.loads(item["row_options"]).get("grounding", {}) == expected


def test_resized_coordinates_need_a_processor_that_resizes_by_pixels(row: Row) -> None:
    other = SimpleNamespace(image_processor=SimpleNamespace(size={"longest_edge": 48}))
    with pytest.raises(ConfigError, match=r"model\.coordinates: resized"):
        row_options(row, settings(coordinates="resized"), other)


@pytest.mark.parametrize(
    ("coordinates", "box"),
    [
        ("pixel", (64, 48, 320, 240)),
        ("unit", (0.1, 0.1, 0.5, 0.5)),
        ("permille", (100, 100, 500, 500)),
        ("resized", (30.8, 22.4, 154, 112)),
    ],
)
def test_boxes_are_drawn_in_pixels_of_the_original(
    row: Row, coordinates: str, box: tuple[float, float, float, float]
) -> None:
    options = row_options(row, settings(coordinates=coordinates), QWEN).get("grounding", {})
    assert to_pixels(box, options) == pytest.approx((64, 48, 320, 240))
