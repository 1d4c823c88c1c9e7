"""The run configuration: every field with its unit, range and default. `config_file` reads it from YAML.

Paths of inputs are relative to the configuration file; `package:demo_model` names what the trainer ships.
`output_dir` is relative to the working directory. All of them are absolute once a file has been read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from trainer.config_fields import (
    Count,
    FolderName,
    InputPath,
    ModelPath,
    ProfileName,
    RewardUrl,
    Sample,
    Seconds,
    Share,
    Strict,
    refuse_repeated,
)

Format = Literal["binary", "choice", "open"]
RewardTask = Literal["choice", "open-ended", "grounding", "math"]
Coordinates = Literal["pixel", "unit", "permille", "resized"]
Domain = Literal["in", "out"]


class LoraSettings(Strict):
    """LoRA adapters by peft: rank, scaling, dropout, and the modules that get one (names or one pattern)."""

    r: Count = 16
    alpha: Count = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: tuple[str, ...] | str = "all-linear"


class ModelConfig(Strict):
    """The model to train: a folder, `package:demo_model` or a name on the hub, and how it reads and answers.

    coordinates: the unit of the boxes it answers with. max_pixels: images above it are shrunk.
    image_position: where the image stands in the prompt, before or after the question.
    """

    path: ModelPath
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    attn_implementation: Literal["sdpa", "eager", "flash_attention_2", "flash_attention_3"] = "sdpa"
    lora: LoraSettings | None = None
    coordinates: Coordinates = "pixel"
    system_prompt: str | None = None
    image_position: Literal["before", "after"] = "before"
    max_pixels: Count | None = None


class Route(Strict):
    """Which reward judges a row, and with which options."""

    task: RewardTask
    options: dict[str, JsonValue] = Field(default_factory=dict)


Routes = dict[str, Route]
"""By a row's format where that is binary or choice, else by its task."""

DEFAULT_ROUTES: Routes = {
    "binary": Route(task="choice", options={"kind": "binary"}),
    "choice": Route(task="choice"),
    "detection": Route(task="grounding"),
    "classify": Route(task="open-ended", options={"match": "labels"}),
    "coco_vqa": Route(task="open-ended"),
    "math": Route(task="math"),
}


class RewardConfig(Strict):
    """The reward service and what is asked of it. Routes given here replace default ones of the same name.

    timeout_s: one request. retry_budget_s: all attempts and waits of one batch; after it the run stops with
    a checkpoint. max_unscored: the share of a step that may stay without a reward before the run stops.
    """

    url: RewardUrl = "http://127.0.0.1:8000"
    profile: ProfileName = "curr-reft@1"
    api_key_env: str = "REWARD_API_KEY"
    timeout_s: Seconds = 30.0
    retry_budget_s: Annotated[float, Field(ge=0)] = 120.0
    max_unscored: Share = 0.2
    routes: Annotated[Routes, AfterValidator(lambda routes: DEFAULT_ROUTES | routes)] = DEFAULT_ROUTES


class StageReward(Strict):
    """What one stage asks differently of the reward service; null keeps the run's."""

    profile: ProfileName | None = None
    routes: Routes = Field(default_factory=dict)


class DataSource(Strict):
    """A JSONL file or a Curr-ReFT mixture list (.yaml). `weight` counts its rows w times."""

    path: InputPath
    sample: Sample = None
    weight: Annotated[float, Field(gt=0)] | None = None


class GateConfig(Strict):
    """Promotion: the mean accuracy of `window` steps is at least `threshold` for `patience` steps in a row.

    The stage is never left before its step `min_steps`.
    """

    metric: Literal["accuracy"] = "accuracy"
    threshold: Share
    window: Count = 10
    patience: Count = 1
    min_steps: Annotated[int, Field(ge=0)] = 0


class StageConfig(Strict):
    """One stage of the curriculum; `grpo` overrides the run's, `gate` may end it before `max_steps`."""

    name: FolderName
    format: Format
    data: Annotated[tuple[DataSource, ...], Field(min_length=1)]
    reward: StageReward | None = None
    grpo: dict[str, JsonValue] = Field(default_factory=dict)
    max_steps: Count
    gate: GateConfig | None = None


class EvaluationSet(Strict):
    """A held-out set: in or out of the domain that was trained on."""

    name: FolderName
    domain: Domain
    path: InputPath
    format: Format
    sample: Sample = None


class EvaluationConfig(Strict):
    """What the base and the final model are compared on; decoding is greedy."""

    sets: tuple[EvaluationSet, ...] = ()
    batch_size: Count = 64
    max_new_tokens: Count = 64
    after_each_stage: bool = False

    @model_validator(mode="after")
    def _names_differ(self) -> EvaluationConfig:
        refuse_repeated([s.name for s in self.sets], "sets")
        return self


class GenerateConfig(Strict):
    """The benchmark of drawn scenes, written to `output_dir`/data before the run; scenes by set name."""

    seed: Annotated[int, Field(ge=0)] = 0
    sizes: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)


class RunConfig(Strict):
    """A whole run. `grpo` takes any field of TRL's GRPOConfig and holds for all stages.

    rollouts_per_step: sample rollouts kept with the service's explanations. keep_checkpoints: per stage.
    """

    name: FolderName = "run"
    output_dir: Path
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    model: ModelConfig
    reward: RewardConfig = RewardConfig()
    grpo: dict[str, JsonValue] = Field(default_factory=dict)
    stages: Annotated[tuple[StageConfig, ...], Field(min_length=1)]
    evaluation: EvaluationConfig = EvaluationConfig()
    save_steps: Count = 20
    rollouts_per_step: Annotated[int, Field(ge=0)] = 2
    keep_checkpoints: Count = 2
    generate: GenerateConfig | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> RunConfig:
        refuse_repeated([stage.name for stage in self.stages], "stages")
        return self

    def reward_of(self, stage: StageConfig) -> RewardConfig:
        """Return the reward settings of a stage: the run's, with the stage's profile and routes on top."""
        if stage.reward is None:
            return self.reward
        profile = stage.reward.profile or self.reward.profile
        return self.reward.model_copy(
            update={"profile": profile, "routes": self.reward.routes | stage.reward.routes}
        )

    def grpo_of(self, stage: StageConfig) -> dict[str, JsonValue]:
        """Return the GRPOConfig fields of a stage: the run's, with the stage's on top."""
        return self.grpo | stage.grpo
