"""Processors for image prompts: always a full one, never a bare tokenizer that would train blind."""

from pathlib import Path

from transformers import AutoConfig, AutoProcessor, PreTrainedTokenizerBase, ProcessorMixin
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import is_torchvision_available

from trainer.errors import ConfigError


def load_processor(path: Path | str, max_pixels: int | None = None) -> ProcessorMixin:
    """Load the processor of a model folder or hub name, padding on the left.

    Where torchvision is missing, a family whose processor also reads videos (Qwen2-VL to Qwen3-VL) gets one
    that reads images alone. `max_pixels` bounds width x height of an image as the model sees it (Qwen
    families only). Raises ConfigError where there is no processor that reads images.
    """
    stock = PROCESSOR_MAPPING.get(type(AutoConfig.from_pretrained(path)), None)
    if stock is not None and "video_processor" in stock.get_attributes() and not is_torchvision_available():
        processor = image_only(stock).from_pretrained(path)
    else:
        processor = AutoProcessor.from_pretrained(path)
    if isinstance(processor, PreTrainedTokenizerBase) or not hasattr(processor, "image_processor"):
        kind = type(processor).__name__
        raise ConfigError(
            f"model.path: {path} has no processor for images, only {kind}; name a vision-language model"
        )
    processor.tokenizer.padding_side = "left"
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    if max_pixels is not None:
        _limit_pixels(processor, max_pixels)
    return processor


def image_only(stock: type[ProcessorMixin]) -> type[ProcessorMixin]:
    """Return a subclass of a processor class without its video part.

    It bears the stock name, so that what it saves loads as the stock processor wherever torchvision is there.
    """

    class ImageOnly(stock):
        def __init__(
            self, image_processor: object = None, tokenizer: object = None, chat_template: str | None = None
        ) -> None:
            super().__init__(image_processor, tokenizer, None, chat_template=chat_template)

    ImageOnly.__name__ = stock.__name__
    return ImageOnly


def is_sized_by_pixels(processor: ProcessorMixin) -> bool:
    """Tell whether the image processor resizes to a range of pixel counts, as Qwen's families do."""
    return (
        hasattr(processor.image_processor, "merge_size") and "shortest_edge" in processor.image_processor.size
    )


def _limit_pixels(processor: ProcessorMixin, max_pixels: int) -> None:
    if not is_sized_by_pixels(processor):
        kind = type(processor).__name__
        raise ConfigError(f"model.max_pixels: {kind} does not size images by their pixels; leave it out")
    smallest = processor.image_processor.size["shortest_edge"]
    if max_pixels < smallest:
        raise ConfigError(
            f"model.max_pixels: expected at least {smallest}, this model's least, got {max_pixels}"
        )
    processor.image_processor.size = {"shortest_edge": smallest, "longest_edge": max_pixels}
