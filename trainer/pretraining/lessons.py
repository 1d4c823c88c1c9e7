"""Question and reply pairs as token ids: what the language model is taught."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import Idefics3Processor, PreTrainedTokenizerBase

from trainer.data.families import FORMATS, Family, Reply, ask, reply
from trainer.data.scenes import Scene
from trainer.pretraining.distortion import Distortion, distort, misread
from trainer.pretraining.pool import Pool, normalised
from trainer.pretraining.processor import TAGS

_IGNORED = -100
_PARTS = 4
_LIST_TEXT = "List all things."


@dataclass(frozen=True)
class Lesson:
    """What a training phase teaches: families (drawn evenly), shares of formats and listings, how replies err."""

    families: tuple[Family, ...]
    formats: tuple[float, float, float]
    listings: float
    distortion: Distortion
    stress: float = 1.0
    """Weight of the answer's tokens in the loss; all others weigh 1."""


@dataclass(frozen=True)
class Batch:
    """Model inputs, right-padded; labels are -100 outside the reply; `scenes` are places in the pool.

    `weights` says how much each label counts: `stress` inside the answer block, 1 in the rest of the reply.
    """

    scenes: torch.Tensor
    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    pixel_values: torch.Tensor


def completion(said: Reply) -> str:
    """Write a reply in the format that rewards expect."""
    open_think, close_think, open_answer, close_answer = TAGS
    return f"{open_think} {said.evidence} {close_think} {open_answer} {said.answer} {close_answer}"


def draw_batches(
    pool: Pool, lesson: Lesson, size: int, processor: Idefics3Processor, rng: np.random.Generator
) -> list[Batch]:
    """Draw `size` scenes and one lesson about each, in parts of like length: that saves half of the time."""
    chosen = rng.integers(len(pool.scenes), size=size)
    pairs = [_pair(pool.scenes[i], lesson, rng) for i in chosen]
    order = np.argsort([len(asked) + len(said) for asked, said in pairs], kind="stable")
    return [
        _collate([pairs[i] for i in part], pool, torch.from_numpy(chosen[part]), processor, lesson.stress)
        for part in np.array_split(order, _PARTS)
    ]


def _pair(scene: Scene, lesson: Lesson, rng: np.random.Generator) -> tuple[str, str]:
    if rng.random() < lesson.listings:
        return _LIST_TEXT, _listing(scene)
    family = lesson.families[int(rng.integers(len(lesson.families)))]
    question = ask(scene, family, FORMATS[int(rng.choice(3, p=lesson.formats))], rng)
    distorted = distort if family == "detection" else misread
    text = completion(reply(question, distorted(scene.things, lesson.distortion, rng)))
    if rng.random() < lesson.distortion.malformed:
        text = text.replace(TAGS[int(rng.integers(len(TAGS)))], "", 1)
    return question.text, text


def _listing(scene: Scene) -> str:
    ordered = sorted(scene.things, key=lambda t: (t.box[0], t.box[1]))
    return ", ".join(f"{t.name} at {' '.join(str(c) for c in t.box)}" for t in ordered)


def _collate(
    pairs: Sequence[tuple[str, str]],
    pool: Pool,
    scenes: torch.Tensor,
    processor: Idefics3Processor,
    stress: float,
) -> Batch:
    tokenizer = processor.tokenizer
    seen = processor.replace_image_token({"rows": [[0]], "cols": [[0]]}, 0)
    asked = [f"<user>{question}{seen}<end_of_utterance><assistant>" for question, _ in pairs]
    prompts = tokenizer(asked)["input_ids"]
    replies = tokenizer([f"{said}<end_of_utterance>" for _, said in pairs])["input_ids"]
    length = max(len(p) + len(r) for p, r in zip(prompts, replies, strict=True))
    input_ids = torch.full((len(pairs), length), tokenizer.pad_token_id)
    labels = torch.full((len(pairs), length), _IGNORED)
    mask = torch.zeros((len(pairs), length), dtype=torch.long)
    for row, (prompt, said) in enumerate(zip(prompts, replies, strict=True)):
        end = len(prompt) + len(said)
        input_ids[row, :end] = torch.tensor([*prompt, *said])
        labels[row, len(prompt) : end] = torch.tensor(said)
        mask[row, :end] = 1
    weights = torch.where(_inside_answer(labels, tokenizer), stress, 1.0)
    return Batch(scenes, input_ids, mask, labels, weights, normalised(pool.pixels[scenes])[:, None])


def _inside_answer(labels: torch.Tensor, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    opened, closed = ((labels == tokenizer.convert_tokens_to_ids(tag)).cumsum(1) for tag in TAGS[2:])
    return (opened > closed) & (labels != tokenizer.convert_tokens_to_ids(TAGS[2]))
