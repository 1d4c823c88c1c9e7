"""One stage as TRL trains it: the arguments, the order of the data, and a GRPOTrainer whose saves are safe.

The order of a stage's prompts is one list, a function of the seed. TRL walks through it in a single epoch
without shuffling, so that a resumed run finds its place by counting.
"""

import math
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from datasets import Dataset
from pydantic import JsonValue
from safetensors import SafetensorError
from transformers import PrinterCallback, ProcessorMixin, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from trainer.callbacks import Rhythm, StageCallback
from trainer.checkpoints import MARKER, prune, seal
from trainer.errors import CheckpointError, ConfigError
from trainer.models import Model
from trainer.random_state import put_random_state

Reward = Callable[..., list[float | None]]

OWNED_FIELDS = {
    "output_dir": "output_dir",
    "seed": "seed",
    "max_steps": "stages[].max_steps",
    "num_train_epochs": "stages[].max_steps",
    "save_steps": "save_steps",
    "save_strategy": "save_steps",
    "save_total_limit": "keep_checkpoints",
    "save_only_model": "save_steps",
    "logging_steps": None,
    "logging_strategy": None,
    "report_to": None,
    "remove_unused_columns": None,
    "shuffle_dataset": None,
    "resume_from_checkpoint": None,
    "ignore_data_skip": None,
    "auto_find_batch_size": None,
}
"""Fields of GRPOConfig that the run sets itself, and the field of the run configuration that says how."""


def make_arguments(
    fields: dict[str, JsonValue], folder: Path, seed: int, max_steps: int, save_steps: int
) -> GRPOConfig:
    """Return TRL's arguments for a stage that saves into `folder`; `fields` are the user's.

    Without an accelerator training is in float32 on the CPU. Raises ConfigError for a field that the run sets
    itself, for one that TRL refuses, and where checkpoints would fall between generations.
    """
    for name in fields.keys() & OWNED_FIELDS.keys():
        instead = OWNED_FIELDS[name]
        raise ConfigError(
            f"grpo.{name}: {f'give {instead} instead' if instead else 'the run needs its own value'}"
        )
    on_cpu = {"use_cpu": True, "bf16": False, "fp16": False, "gradient_checkpointing": False}
    try:
        arguments = GRPOConfig(
            **{"dataloader_pin_memory": has_accelerator(), **fields, **({} if has_accelerator() else on_cpu)},
            output_dir=str(folder),
            seed=seed,
            max_steps=max_steps,
            save_strategy="steps",
            save_steps=save_steps,
            logging_strategy="steps",
            logging_steps=1,
            report_to=[],
            remove_unused_columns=False,
            shuffle_dataset=False,
            disable_tqdm=True,
        )
    except (ValueError, TypeError) as error:
        raise ConfigError(f"grpo: {' '.join(str(error).split())}") from error
    period = rhythm_of(arguments).period
    if save_steps % period:
        raise ConfigError(
            f"save_steps: expected a multiple of {period}, the steps that use up one generation "
            f"(grpo.steps_per_generation, grpo.num_iterations), got {save_steps}"
        )
    return arguments


def has_accelerator() -> bool:
    """Tell whether torch sees anything faster than a CPU."""
    return bool(torch.accelerator.is_available())


def rhythm_of(arguments: GRPOConfig) -> Rhythm:
    """Return how steps and generations interleave under `arguments`."""
    passes, per_step = (
        arguments.steps_per_generation * arguments.num_iterations,
        arguments.gradient_accumulation_steps,
    )
    return Rhythm(
        completions=arguments.generation_batch_size * per_step / passes,
        period=math.lcm(passes, per_step) // per_step,
    )


def data_order(rows: int, arguments: GRPOConfig) -> list[int]:
    """Return the row of each prompt of a stage: all rows shuffled, again and again, until enough."""
    passes = arguments.steps_per_generation * arguments.num_iterations
    generations = math.ceil(arguments.max_steps * arguments.gradient_accumulation_steps / passes)
    needed = generations * (arguments.generation_batch_size // arguments.num_generations)
    shuffler = random.Random(arguments.seed)
    order: list[int] = []
    while len(order) < needed:
        order.extend(shuffler.sample(range(rows), rows))
    return order[:needed]


class StageTrainer(GRPOTrainer):
    """TRL's trainer, whose checkpoints are complete or absent."""

    def __init__(
        self,
        model: Model,
        processor: ProcessorMixin,
        reward: Reward,
        arguments: GRPOConfig,
        dataset: Dataset,
        stage: StageCallback,
        others: Sequence[TrainerCallback],
    ) -> None:
        super().__init__(
            model=model,
            reward_funcs=[reward],
            args=arguments,
            train_dataset=dataset.select(data_order(len(dataset), arguments)),
            processing_class=processor,
            callbacks=[stage, *others],
        )
        self.remove_callback(PrinterCallback)
        self.stage = stage

    def save_last_step(self) -> Path | None:
        """Save the last completed step after the one in work failed before it touched the weights.

        Returns the folder, or None where no step of this stage was completed yet. A resumed run draws the
        same completions again.
        """
        folder = self._checkpoint_folder()
        if self.state.global_step == 0 or self.stage.before is None:
            return None
        if not (folder / MARKER).is_file():
            put_random_state(self.stage.before.random)
            self.state.num_input_tokens_seen = self.stage.before.tokens_seen
            self._save_checkpoint(self.model, trial=None)
        return folder

    def _save_checkpoint(self, model: Model, trial: None) -> None:
        folder = self._checkpoint_folder()
        try:
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                seal(folder, self.stage.state, self.stage.elapsed_s)
        except (OSError, RuntimeError, SafetensorError) as error:  # what the libraries raise for a full disk
            shutil.rmtree(folder, ignore_errors=True)
            raise CheckpointError(
                f"{folder}: the checkpoint could not be written ({error}); earlier ones are untouched; "
                "free some space and give the same command again"
            ) from error
        if self.args.should_save:
            prune(folder.parent, self.stage.job.keep)

    def _checkpoint_folder(self) -> Path:
        return Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
