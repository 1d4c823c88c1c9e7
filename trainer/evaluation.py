"""Evaluates a model on held-out sets: greedy completions, scored by the reward service."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from transformers import ProcessorMixin

from trainer.client import RewardClient
from trainer.config import EvaluationConfig, EvaluationSet, ModelConfig, RewardConfig, Routes
from trainer.coordinates import to_pixels
from trainer.data.dataset import RowOptions, row_options
from trainer.data.rows import Row, load_set
from trainer.generation import Completion, complete
from trainer.items import make_item, route_of
from trainer.models import Model
from trainer.results import Evaluation, Record
from trainer.wire import Item, ItemResult

Progress = Callable[[str, int, int], None]
"""Called with a set's name, its items done and its items in all."""

_BOX = re.compile(r"\[\s*" + r"\s*,\s*".join([r"(-?\d{1,9}(?:\.\d{1,20})?)"] * 4) + r"\s*\]")


class Settings(Protocol):
    """What an evaluation takes from a run configuration."""

    @property
    def model(self) -> ModelConfig:
        """How the model reads and answers."""

    @property
    def reward(self) -> RewardConfig:
        """The service, the profile and the routes that score."""

    @property
    def evaluation(self) -> EvaluationConfig:
        """The sets and how completions are made."""

    @property
    def seed(self) -> int:
        """Decides what `random:N` draws of a set."""


@dataclass(frozen=True, slots=True)
class LoadedSet:
    """An evaluation set with its rows."""

    settings: EvaluationSet
    rows: Sequence[Row]


def load_sets(settings: Settings) -> list[LoadedSet]:
    """Read the rows of every set. DataError where a row is faulty, ConfigError where it has no route."""
    sets = []
    for own in settings.evaluation.sets:
        rows = load_set(own, settings.seed, settings.reward.routes)
        for row in rows:
            route_of(settings.reward.routes, row.task, row.format)
        sets.append(LoadedSet(own, rows))
    return sets


def evaluate(
    settings: Settings,
    sets: Sequence[LoadedSet],
    model: Model,
    processor: ProcessorMixin,
    client: RewardClient,
    label: str,
    progress: Progress | None = None,
) -> Evaluation:
    """Complete and score every item of `sets`; `label` names the result (base, final, ...).

    Decoding is greedy. Raises what the client raises.
    """
    records: list[Record] = []
    profile: Mapping[str, str] = {}
    for own in sets:
        completions: list[Completion] = []
        batch_size, longest = settings.evaluation.batch_size, settings.evaluation.max_new_tokens
        for batch in complete(model, processor, own.rows, settings.model, batch_size, longest):
            completions += batch
            if progress is not None:
                progress(own.settings.name, len(completions), len(own.rows))
        judged, profile = judge(settings, own, completions, processor, client)
        records += judged
    return Evaluation(label, str(model.name_or_path), profile, tuple(records))


def judge(
    settings: Settings,
    own: LoadedSet,
    completions: Sequence[Completion],
    processor: ProcessorMixin,
    client: RewardClient,
) -> tuple[list[Record], Mapping[str, str]]:
    """Score the completions of one set in one batch; return their records and the profile that scored.

    What the service could not score has a record without a number.
    """
    options = [row_options(row, settings.model, processor) for row in own.rows]
    items = _items(own.rows, completions, options, settings.reward.routes)
    scored = client.score(items, settings.reward.profile)
    parts = zip(own.rows, completions, scored.results, items, strict=True)
    return [_record(own.settings, *each) for each in parts], scored.profile.model_dump()


def _items(
    rows: Sequence[Row], completions: Sequence[Completion], options: Sequence[RowOptions], routes: Routes
) -> list[Item]:
    return [
        make_item(
            route_of(routes, row.task, row.format),
            completion.text,
            row.solution,
            id=str(place),
            form=row.format,
            row_options=own,
        )
        for place, (row, completion, own) in enumerate(zip(rows, completions, options, strict=True))
    ]


def _record(
    settings: EvaluationSet, row: Row, completion: Completion, result: ItemResult, item: Item
) -> Record:
    reward = result.usable_reward()
    is_grounding = item.task == "grounding" and item.options.get("box_format", "xyxy") == "xyxy"
    return Record(
        set=settings.name,
        domain=settings.domain,
        id=row.id,
        task=row.task,
        format=row.format,
        image=str(row.image),
        problem=row.problem,
        reference=row.solution,
        completion=completion.text,
        tokens=completion.tokens,
        status=result.status,
        reward=reward,
        accuracy=result.component("accuracy"),
        well_formed=result.component("format"),
        explanation=result.explanation,
        predicted_boxes=[list(to_pixels(b, item.options)) for b in boxes_in(completion.text)]
        if is_grounding
        else [],
        reference_boxes=[list(b) for b in boxes_in(row.solution)] if is_grounding else [],
    )


def boxes_in(text: str) -> list[tuple[float, float, float, float]]:
    """Return the bracketed groups of four numbers in the answer part of `text`, for drawing alone.

    The service reads answers for itself; no score depends on this.
    """
    answer = text.rsplit("<answer>", 1)[-1]
    return [(float(a), float(b), float(c), float(d)) for a, b, c, d in _BOX.findall(answer)]
