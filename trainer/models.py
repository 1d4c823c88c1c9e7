"""Loads any vision-language model of transformers, with LoRA if the configuration asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, PreTrainedModel, ProcessorMixin

from trainer.config import LoraSettings, ModelConfig
from trainer.errors import CheckpointError, ConfigError
from trainer.processors import load_processor

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

Model = PreTrainedModel | PeftModel


def load_model(settings: ModelConfig, path_override: Path | None = None) -> tuple[Model, ProcessorMixin]:
    """Load model and processor from `settings.path`, or weights from `path_override` (a checkpoint, `final`).

    A folder with a LoRA adapter is put on its base: `settings.path`, or the base that the adapter names.
    Raises ConfigError where the path holds no vision-language model or an option does not fit it.
    """
    source = path_override or settings.path
    is_adapter = (Path(source) / ADAPTER_CONFIG).is_file()
    base = _base_of(source, settings) if is_adapter else source
    with _told_in_one_line(base):
        processor = load_processor(base, settings.max_pixels)
        model = _load_weights(base, settings)
    if is_adapter:
        return PeftModel.from_pretrained(model, source, is_trainable=True), processor
    if settings.lora is not None:
        return get_peft_model(model, _lora_config(settings.lora)), processor
    return model, processor


def check_model(settings: ModelConfig) -> None:
    """Raise the ConfigError that `load_model` would, as far as it shows without reading the weights."""
    is_adapter = (Path(settings.path) / ADAPTER_CONFIG).is_file()
    base = _base_of(settings.path, settings) if is_adapter else settings.path
    with _told_in_one_line(base):
        load_processor(base, settings.max_pixels)


def assert_same_weights(model: Model, folder: Path) -> None:
    """Check that `model` holds exactly the weights in `folder`; CheckpointError names the first that differs.

    A full checkpoint is loaded once more on the CPU, as from_pretrained reads it (renamed keys included).
    """
    if isinstance(model, PeftModel):
        own, saved = get_peft_model_state_dict(model), load_file(folder / ADAPTER_WEIGHTS)
    else:
        own = model.state_dict()
        saved = type(model).from_pretrained(folder, dtype=model.dtype).state_dict()
    for name in sorted(own.keys() | saved.keys()):
        if name not in own or name not in saved:
            raise CheckpointError(
                f"{folder}: weight {name} is only in {'the model' if name in own else 'the folder'}"
            )
        if not torch.equal(own[name].cpu(), saved[name]):
            raise CheckpointError(f"{folder}: weight {name} differs from the model in memory")


@contextmanager
def _told_in_one_line(path: Path | str) -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        ValueError,
    ) as error:  # what transformers raises for a wrong name, folder or architecture
        raise ConfigError(f"model.path: cannot load {path}: {_first_line(error)}") from error


def _load_weights(path: Path | str, settings: ModelConfig) -> PreTrainedModel:
    return AutoModelForImageTextToText.from_pretrained(
        path, dtype=getattr(torch, settings.dtype), attn_implementation=settings.attn_implementation
    )


def _base_of(adapter: Path | str, settings: ModelConfig) -> Path | str:
    if str(adapter) != str(settings.path):
        return settings.path
    base = PeftConfig.from_pretrained(adapter).base_model_name_or_path
    if base is None:
        raise ConfigError(f"model.path: {adapter} is a LoRA adapter that names no base model; give the base")
    return base


def _lora_config(lora: LoraSettings) -> LoraConfig:
    modules = lora.target_modules
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=modules if isinstance(modules, str) else list(modules),
        task_type="CAUSAL_LM",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
