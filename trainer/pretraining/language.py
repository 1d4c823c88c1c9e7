"""Teaches the whole model to reply, by ordinary supervised training on lessons about the pool's scenes."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import Idefics3ForConditionalGeneration, Idefics3Processor
from transformers.models.idefics3.modeling_idefics3 import Idefics3CausalLMOutputWithPast

from trainer.pretraining.lessons import Batch, Lesson, draw_batches
from trainer.pretraining.pool import Pool
from trainer.pretraining.processor import GRID
from trainer.pretraining.vision import CellHead, Phase, cell_loss, cell_targets

_VISION_WEIGHT = 0.2
_WARM_UP = 0.1  # share of the steps in which the learning rate rises


def train_language(
    model: Idefics3ForConditionalGeneration,
    processor: Idefics3Processor,
    pool: Pool,
    lesson: Lesson,
    plan: Phase,
    rng: np.random.Generator,
    head: CellHead | None = None,
) -> Iterator[tuple[int, float]]:
    """Train everything on `lesson`, yielding step and loss of the replies after each step.

    With a vision head its loss stays in as an auxiliary one, so that perception keeps improving meanwhile.
    """
    trained = [*model.parameters(), *(head.parameters() if head else ())]
    targets = cell_targets(pool.scenes) if head else None
    optimiser = torch.optim.AdamW(trained, lr=plan.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, plan.steps, pct_start=_WARM_UP)
    for step in range(plan.steps):
        batches = draw_batches(pool, lesson, plan.batch, processor, rng)
        optimiser.zero_grad()
        told = 0.0
        for batch in batches:
            output = _forward(model, batch)
            spoken = _reply_loss(output.logits, batch)
            loss = spoken
            if head is not None and targets is not None:
                tokens = output.image_hidden_states.view(len(batch.scenes), GRID**2, -1)
                loss = loss + _VISION_WEIGHT * cell_loss(head(tokens), targets[batch.scenes])
            (loss / len(batches)).backward()
            told += spoken.item() / len(batches)
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        yield step + 1, told


def _forward(model: Idefics3ForConditionalGeneration, batch: Batch) -> Idefics3CausalLMOutputWithPast:
    return model(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        pixel_values=batch.pixel_values,
        use_cache=False,
    )


def _reply_loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return the weighted mean cross-entropy of the reply's tokens."""
    labels, weights = batch.labels[:, 1:], batch.weights[:, 1:] * (batch.labels[:, 1:] >= 0)
    losses = functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()
