"""Which coordinates a model's boxes are in: told to the service item by item, never converted before scoring.

Qwen2-VL and Qwen3-VL answer in thousandths of the image (`permille`), Qwen2.5-VL in pixels of the image as it
was resized for the model (`resized`), others in pixels of the original image (`pixel`) or in 0..1 (`unit`).
"""

from collections.abc import Mapping
from typing import Literal

from transformers import ProcessorMixin
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from trainer.data.images import Size
from trainer.errors import ConfigError
from trainer.processors import is_sized_by_pixels

Coordinates = Literal["pixel", "unit", "permille", "resized"]
Box = tuple[float, float, float, float]


def resized_size(processor: ProcessorMixin, size: Size) -> Size:
    """Return width and height to which the processor resizes an image of `size` (width, height)."""
    if not is_sized_by_pixels(processor):
        kind = type(processor).__name__
        raise ConfigError(f"model.coordinates: resized is for Qwen2.5-VL's kind of processor, this is {kind}")
    images = processor.image_processor
    height, width = smart_resize(
        size[1],
        size[0],
        factor=images.patch_size * images.merge_size,
        min_pixels=images.size["shortest_edge"],
        max_pixels=images.size["longest_edge"],
    )
    return width, height


def box_options(
    coordinates: Coordinates, processor: ProcessorMixin, size: Size
) -> Mapping[str, str | list[int]]:
    """Return the grounding options that tell the service how to read boxes on an image of `size`."""
    if coordinates == "pixel":
        return {}
    options: dict[str, str | list[int]] = {"coordinates": coordinates, "image_size": list(size)}
    if coordinates == "resized":
        options["resized_size"] = list(resized_size(processor, size))
    return options


def to_pixels(box: Box, options: Mapping[str, str | list[int]]) -> Box:
    """Convert a box to pixels of the original image, for drawing; `options` are those of `box_options`."""
    scale = {"unit": (1, 1), "permille": (1000, 1000), "resized": options.get("resized_size")}.get(
        str(options.get("coordinates"))
    )
    if scale is None:
        return box
    width, height = options["image_size"]
    x, y = int(width) / int(scale[0]), int(height) / int(scale[1])
    return box[0] * x, box[1] * y, box[2] * x, box[3] * y
