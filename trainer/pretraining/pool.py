"""A pool of drawn scenes as tensors, from which the training steps draw their batches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from trainer.data.scenes import CANVAS, Scene, SceneStyle, draw_scene


@dataclass(frozen=True)
class Pool:
    """Scenes of the train split and their pixels, uint8 (n, 3, CANVAS, CANVAS)."""

    scenes: tuple[Scene, ...]
    pixels: torch.Tensor


def draw_pool(count: int, seed: int, progress: Callable[[int], None] | None = None) -> Pool:
    """Draw `count` training scenes; `progress` hears the number done."""
    rng = np.random.default_rng([seed, 1])
    pixels = torch.empty((count, 3, CANVAS, CANVAS), dtype=torch.uint8)
    scenes: list[Scene] = []
    for number in range(count):
        scene = draw_scene(rng, SceneStyle(), "train")
        pixels[number] = torch.from_numpy(np.asarray(scene.image).copy()).permute(2, 0, 1)
        scenes.append(scene)
        if progress is not None:
            progress(number + 1)
    return Pool(tuple(scenes), pixels)


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """Scale uint8 pixels to -1..1, as the processor does."""
    return pixels.float() / 127.5 - 1.0
