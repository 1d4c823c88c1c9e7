"""Greedy completions for evaluation, batch by batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from transformers import GenerationConfig, ProcessorMixin

from trainer.config import ModelConfig
from trainer.data.dataset import conversation
from trainer.data.rows import Row
from trainer.models import Model


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion without special tokens; `tokens` counts what was generated, the end token included."""

    text: str
    tokens: int


def complete(
    model: Model,
    processor: ProcessorMixin,
    rows: Sequence[Row],
    settings: ModelConfig,
    batch_size: int,
    max_new_tokens: int,
) -> Iterator[list[Completion]]:
    """Yield the greedy completions of `rows` in order, `batch_size` rows at a time."""
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(rows), batch_size):
            yield _complete_batch(
                model, processor, rows[start : start + batch_size], settings, max_new_tokens
            )
    finally:
        model.train(was_training)


@torch.inference_mode()
def _complete_batch(
    model: Model,
    processor: ProcessorMixin,
    rows: Sequence[Row],
    settings: ModelConfig,
    max_new_tokens: int,
) -> list[Completion]:
    inputs = processor.apply_chat_template(
        [_with_image(row, settings) for row in rows],
        tokenize=True,
        add_generation_prompt=True,
        return_dict=True,
        processor_kwargs={"padding": True, "return_tensors": "pt"},
    ).to(model.device)
    ends = _end_tokens(model.generation_config, processor)
    greedy = GenerationConfig(
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=ends,
        pad_token_id=processor.tokenizer.pad_token_id,
    )
    output = model.generate(**inputs, generation_config=greedy)[:, inputs["input_ids"].shape[1] :]
    texts = processor.batch_decode(output, skip_special_tokens=True)
    return [Completion(text, _length(ids, ends)) for text, ids in zip(texts, output.tolist(), strict=True)]


def _with_image(row: Row, settings: ModelConfig) -> list[dict[str, object]]:
    with Image.open(row.image) as file:
        image = file.convert("RGB")
    return [
        {
            "role": message["role"],
            "content": [
                {"type": "image", "image": image} if part["type"] == "image" else dict(part)
                for part in message["content"]
            ],
        }
        for message in conversation(row, settings)
    ]


def _end_tokens(generation: GenerationConfig, processor: ProcessorMixin) -> list[int]:
    ends = generation.eos_token_id
    if ends is None:
        return [processor.tokenizer.eos_token_id]
    return list(ends) if isinstance(ends, list) else [ends]


def _length(ids: Sequence[int], ends: Sequence[int]) -> int:
    """Count the tokens up to and with the first end token."""
    return next((place + 1 for place, token in enumerate(ids) if token in ends), len(ids))
