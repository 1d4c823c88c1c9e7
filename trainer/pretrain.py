"""Makes the demo's base model from nothing: `trainer pretrain FOLDER`.

Four phases: the vision tower learns to name what each image token sees, the whole model learns to list and to
reply, it practises all formats, and at last it unlearns precision on replies that err on purpose (`NOISE`), so
that reinforcement learning starts from a model which sees well and speaks noisily. The same seed, number of
threads and versions of torch and numpy give the same weights.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import Idefics3ForConditionalGeneration, Idefics3Processor

from trainer.data.families import FAMILIES
from trainer.pretraining.distortion import NONE, Distortion
from trainer.pretraining.language import train_language
from trainer.pretraining.lessons import Lesson
from trainer.pretraining.model import WIDTH, build_model
from trainer.pretraining.pool import Pool, draw_pool
from trainer.pretraining.processor import build_processor
from trainer.pretraining.vision import CellHead, Phase, train_vision

Progress = Callable[[str, int, int, float], None]
"""Called with the phase's name, steps done, steps in all and the loss (0 while scenes are drawn)."""


@dataclass(frozen=True)
class Plan:
    """How much of everything: scenes in the pool and the four phases."""

    scenes: int
    vision: Phase
    language: Phase
    practice: Phase
    noise: Phase


FULL = Plan(
    scenes=40_000,
    vision=Phase(steps=2600, batch=64, rate=3e-3),
    language=Phase(steps=2000, batch=32, rate=1.5e-3),
    practice=Phase(steps=1500, batch=32, rate=1e-3),
    noise=Phase(steps=100, batch=32, rate=4e-4),
)
"""The settings of `trainer pretrain`; the model card says in what the making of the shipped checkpoint differed."""

NOISE = Distortion(cut_short=0.7, moved_by=1.0, swapped=0.15, misread=0.1, missed=0.4, malformed=0.1)
"""How replies err in the last phase."""

_MOSTLY_BOXES = ("detection", *FAMILIES)  # boxes are learned last, so they get half of the practice
_LANGUAGE = Lesson(FAMILIES, formats=(0.2, 0.2, 0.6), listings=0.25, distortion=NONE)
_PRACTICE = Lesson(_MOSTLY_BOXES, formats=(0.3, 0.3, 0.4), listings=0.1, distortion=NONE, stress=4.0)
_NOISE = Lesson(FAMILIES, formats=(0.3, 0.3, 0.4), listings=0.0, distortion=NOISE)
_LOSS_WINDOW = 0.02  # share of the newest step in the loss that progress hears


def pretrain(folder: Path, seed: int, progress: Progress | None = None, plan: Plan = FULL) -> None:
    """Train a base model from `seed` and write model and processor into `folder` (made if missing).

    Leaves the number of torch's threads as it is; results repeat exactly only for the same number.
    """
    report = progress or _silence
    pool = draw_pool(plan.scenes, seed, lambda done: report("scenes", done, plan.scenes, 0.0))
    processor = build_processor()
    model = build_model(processor.tokenizer, seed)
    _train(model, processor, pool, seed, plan, report)
    save(model, processor, folder)


def save(model: Idefics3ForConditionalGeneration, processor: Idefics3Processor, folder: Path) -> None:
    """Write weights (rounded to float16, loaded as float32), configuration and processor into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    model.to(torch.float16).save_pretrained(folder)
    processor.save_pretrained(folder)
    description = folder / "config.json"
    text = description.read_text(encoding="utf-8")
    description.write_text(text.replace('"dtype": "float16"', '"dtype": "float32"'), encoding="utf-8")


def _train(
    model: Idefics3ForConditionalGeneration,
    processor: Idefics3Processor,
    pool: Pool,
    seed: int,
    plan: Plan,
    report: Progress,
) -> None:
    head = CellHead(WIDTH)
    draw = torch.Generator().manual_seed(seed)
    model.train()
    _follow("vision", plan.vision, train_vision(model, head, pool, plan.vision, draw), report)
    for name, lesson, phase, aid in (
        ("language", _LANGUAGE, plan.language, head),
        ("practice", _PRACTICE, plan.practice, None),
        ("noise", _NOISE, plan.noise, None),
    ):
        rng = np.random.default_rng(seed)
        _follow(name, phase, train_language(model, processor, pool, lesson, phase, rng, aid), report)


def _follow(name: str, phase: Phase, steps: Iterator[tuple[int, float]], report: Progress) -> None:
    smoothed = 0.0
    for step, loss in steps:
        smoothed += (1 / step if step * _LOSS_WINDOW < 1 else _LOSS_WINDOW) * (loss - smoothed)
        report(name, step, phase.steps, smoothed)


def _silence(phase: str, done: int, total: int, loss: float) -> None:
    """Tell nobody."""
