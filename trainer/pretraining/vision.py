"""Supervises the vision tower first: every image token learns to name the thing centred on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from transformers import Idefics3ForConditionalGeneration

from trainer.data.digits import DIGIT_WORDS
from trainer.data.scenes import CANVAS, COLOURS, SHAPES, Scene
from trainer.pretraining.pool import Pool, normalised
from trainer.pretraining.processor import GRID

_KINDS = (*SHAPES, *DIGIT_WORDS)
_COLOURS = tuple(COLOURS)
_NOTHING = 0
_IGNORED = -100
_CELL = CANVAS // GRID
_KIND_WEIGHT = 4.0  # kinds are learned last, boxes and colours first, so kinds get most of the loss
_OTHER_WEIGHT = 0.5
_WARM_UP = 0.1  # share of the steps in which the learning rate rises
_OUTPUTS = (1 + len(_KINDS), len(_COLOURS), *(CANVAS + 1 for _ in range(4)))


@dataclass(frozen=True)
class Phase:
    """One phase of training: optimiser steps, samples per step and the peak learning rate."""

    steps: int
    batch: int
    rate: float


class CellHead(nn.Module):
    """Reads kind (0 is nothing), colour and the four box coordinates from each image token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, sum(_OUTPUTS))

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return one tensor of logits per attribute, each (batch, cells, values)."""
        return self.linear(self.norm(tokens)).split(_OUTPUTS, dim=-1)


def image_tokens(model: Idefics3ForConditionalGeneration, pixels: torch.Tensor) -> torch.Tensor:
    """Return what the language model gets to see: (batch, GRID * GRID, width)."""
    vision = model.model.vision_model(pixel_values=pixels).last_hidden_state
    return model.model.connector(vision)


def cell_targets(scenes: Sequence[Scene]) -> torch.Tensor:
    """Return (scenes, GRID * GRID, 6): kind, colour, box of the thing centred on each cell, else ignored."""
    targets = torch.full((len(scenes), GRID**2, len(_OUTPUTS)), _IGNORED)
    targets[:, :, 0] = _NOTHING
    for row, scene in zip(targets, scenes, strict=True):
        for thing in scene.things:
            x, y = (thing.box[0] + thing.box[2]) // 2, (thing.box[1] + thing.box[3]) // 2
            look = [1 + _KINDS.index(thing.kind), _COLOURS.index(thing.colour), *thing.box]
            row[(y // _CELL) * GRID + x // _CELL] = torch.tensor(look)
    return targets


def cell_loss(outputs: tuple[torch.Tensor, ...], targets: torch.Tensor) -> torch.Tensor:
    """Return the weighted cross-entropy of all attributes."""
    losses = [
        functional.cross_entropy(logits.flatten(0, 1), targets[:, :, place].flatten(), ignore_index=_IGNORED)
        for place, logits in enumerate(outputs)
    ]
    return _KIND_WEIGHT * losses[0] + _OTHER_WEIGHT * torch.stack(losses[1:]).sum()


def train_vision(
    model: Idefics3ForConditionalGeneration,
    head: CellHead,
    pool: Pool,
    plan: Phase,
    draw: torch.Generator,
) -> Iterator[tuple[int, float]]:
    """Train vision tower and connector, yielding step and loss after each step."""
    targets = cell_targets(pool.scenes)
    seeing = (model.model.vision_model, model.model.connector, head)
    trained = [parameter for part in seeing for parameter in part.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=plan.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, plan.steps, pct_start=_WARM_UP)
    for step in range(plan.steps):
        chosen = torch.randint(len(pool.scenes), (plan.batch,), generator=draw)
        loss = cell_loss(head(image_tokens(model, normalised(pool.pixels[chosen]))), targets[chosen])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        yield step + 1, loss.item()
