"""Loading: exactly the architectures of the shipped configurations, as tiny random checkpoints."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import ProcessorMixin

from tests.trainer import tiny_checkpoints
from trainer.config import LoraSettings, ModelConfig
from trainer.config_file import load_config
from trainer.data.rows import Row
from trainer.errors import CheckpointError, ConfigError
from trainer.generation import complete
from trainer.models import assert_same_weights, load_model
from trainer.processors import load_processor

SHIPPED = [
    ("qwen2.5-vl-3b", tiny_checkpoints.qwen2_5_vl, "Qwen2_5_VL"),
    ("qwen2.5-vl-7b", tiny_checkpoints.qwen2_5_vl, "Qwen2_5_VL"),
    ("qwen3-vl-4b", tiny_checkpoints.qwen3_vl, "Qwen3VL"),
]
FULL = [*SHIPPED, (None, tiny_checkpoints.idefics3, "Idefics3")]

# peft asks transformers for a name that transformers has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

Builder = Callable[[Path], Path]


def settings_for(config: str | None, path: Path, **changes: object) -> ModelConfig:
    """The model section of a shipped configuration with what a CPU needs: another path, another attention."""
    if config is None:
        return ModelConfig(path=str(path), **changes)
    shipped = load_config(f"package:configs/{config}.yaml").model
    fits = {"path": str(path), "attn_implementation": "sdpa", "max_pixels": 128 * 128}
    return shipped.model_copy(update={**fits, **changes})


@pytest.fixture
def row(tmp_path: Path) -> Row:
    Image.new("RGB", (50, 40), "red").save(tmp_path / "red.png")
    return Row(
        "1", "Where is the red circle ?", "x", "math", tmp_path / "red.png", (50, 40), "open", None, "f:1"
    )


@pytest.mark.parametrize(("config", "build", "family"), FULL)
def test_a_model_loads_sees_an_image_and_comes_back_from_its_folder(
    tmp_path: Path, row: Row, config: str | None, build: Builder, family: str
) -> None:
    settings = settings_for(config, build(tmp_path / "model"), lora=None)
    model, processor = load_model(settings)
    assert type(model).__name__ == f"{family}ForConditionalGeneration"
    assert type(processor).__name__.startswith(family)
    (batch,) = complete(model, processor, [row, row], settings, batch_size=2, max_new_tokens=5)
    assert len({completion.text for completion in batch}) == 1
    assert all(1 <= completion.tokens <= 5 for completion in batch)

    saved = tmp_path / "saved"
    model.save_pretrained(saved)
    processor.save_pretrained(saved)
    again, _ = load_model(settings, saved)
    assert_same_weights(again, saved)
    assert {name: p.sum().item() for name, p in again.state_dict().items()} == {
        name: p.sum().item() for name, p in model.state_dict().items()
    }


@pytest.mark.parametrize(("config", "build", "family"), SHIPPED)
def test_the_shipped_lora_adapts_the_language_model_and_comes_back(
    tmp_path: Path, config: str, build: Builder, family: str
) -> None:
    settings = settings_for(config, build(tmp_path / "model"))
    model, _ = load_model(settings)
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora_" in name and "language_model" in name for name in trained)
    with torch.no_grad():
        dict(model.named_parameters())[trained[1]].fill_(0.5)

    model.save_pretrained(tmp_path / "adapter")
    again, _ = load_model(settings, tmp_path / "adapter")
    assert_same_weights(again, tmp_path / "adapter")
    assert torch.equal(dict(again.named_parameters())[trained[1]], dict(model.named_parameters())[trained[1]])
    assert dict(again.named_parameters())[trained[1]].requires_grad


@pytest.mark.parametrize("lora", [None, LoraSettings(r=2)])
def test_a_weight_that_did_not_come_back_is_named(tmp_path: Path, lora: LoraSettings | None) -> None:
    settings = ModelConfig(path=str(tiny_checkpoints.idefics3(tmp_path / "model")), lora=lora)
    model, _ = load_model(settings)
    model.save_pretrained(tmp_path / "saved")
    parameter = next(p for p in model.parameters() if p.requires_grad)
    with torch.no_grad():
        parameter.view(-1)[0] += 1
    with pytest.raises(CheckpointError, match=r"weight \S+ differs from the model in memory"):
        assert_same_weights(model, tmp_path / "saved")


def test_an_adapter_without_a_base_path_finds_the_base_it_names(tmp_path: Path) -> None:
    base = tiny_checkpoints.idefics3(tmp_path / "model")
    model, _ = load_model(ModelConfig(path=str(base), lora=LoraSettings(r=2)))
    model.save_pretrained(tmp_path / "adapter")
    again, processor = load_model(ModelConfig(path=str(tmp_path / "adapter")))
    assert isinstance(processor, ProcessorMixin)
    assert_same_weights(again, tmp_path / "adapter")


def test_a_model_without_an_image_processor_is_refused(tmp_path: Path) -> None:
    folder = tiny_checkpoints.text_only(tmp_path / "model")
    with pytest.raises(ConfigError, match="has no processor for images"):
        load_processor(folder)


def test_a_folder_without_a_model_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.path: cannot load") as caught:
        load_model(ModelConfig(path=str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_max_pixels_bounds_what_the_model_sees(tmp_path: Path) -> None:
    folder = tiny_checkpoints.qwen2_5_vl(tmp_path / "model")
    image = Image.new("RGB", (400, 300))
    grids = [
        load_processor(folder, limit).image_processor(images=[image])["image_grid_thw"].prod()
        for limit in (112 * 112, 56 * 84)
    ]
    assert grids[1] * 14 * 14 <= 56 * 84 < grids[0] * 14 * 14 <= 112 * 112


@pytest.mark.parametrize(
    ("build", "limit", "complaint"),
    [
        (tiny_checkpoints.qwen2_5_vl, 100, "expected at least 3136"),
        (tiny_checkpoints.idefics3, 5000, "does not size images by their pixels"),
    ],
)
def test_a_max_pixels_that_does_not_fit_is_refused(
    tmp_path: Path, build: Builder, limit: int, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_processor(build(tmp_path / "model"), limit)


def test_a_processor_without_video_saves_the_stock_name(tmp_path: Path) -> None:
    folder = tiny_checkpoints.qwen3_vl(tmp_path / "model")
    assert '"processor_class": "Qwen3VLProcessor"' in (folder / "processor_config.json").read_text(
        encoding="utf-8"
    )
