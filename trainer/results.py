"""What an evaluation found: one record per item, scores per set and task. Read and written without torch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from trainer.errors import DataError
from trainer.intervals import Interval, mean, mean_interval
from trainer.run_folder import write_atomically

JSON = str | int | float | bool | None | list["JSON"] | dict[str, "JSON"]
Domain = Literal["in", "out"]

ALL_TASKS = "all"
_EXAMPLES = 3  # per set and task


@dataclass(frozen=True, slots=True)
class Record:
    """One completion and its verdict. Boxes are in pixels of the original image; `tokens` is the length.

    `accuracy`, `well_formed` and `reward` are None where the service did not score the item.
    """

    set: str
    domain: Domain
    id: str
    task: str
    format: str
    image: str
    problem: str
    reference: str
    completion: str
    tokens: int
    status: str
    reward: float | None
    accuracy: float | None
    well_formed: float | None
    explanation: str
    predicted_boxes: list[list[float]] = field(default_factory=list)
    reference_boxes: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SetScore:
    """Scores of one set, over all its tasks or one of them.

    `n` counts all items. `accuracy` (with its 95 % interval), `reward` and `format_rate` are means over the
    scored ones, None where there are none; `unscored` is the share of the others.
    """

    name: str
    domain: Domain
    format: str
    task: str
    n: int
    accuracy: float | None
    low: float | None
    high: float | None
    reward: float | None
    format_rate: float | None
    unscored: float
    mean_length: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation of one model: `label` names its files, `profile` is what the service scored with."""

    label: str
    model: str
    profile: Mapping[str, str]
    records: tuple[Record, ...]

    @property
    def sets(self) -> list[SetScore]:
        """Scores per set, in the records' order: all tasks first, then each task where there are several."""
        return [score for group in _by_set(self.records).values() for score in _set_scores(group)]


def save_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write LABEL.json (scores, a few examples) and LABEL.jsonl (all records) into `folder`."""
    summary = {
        "label": evaluation.label,
        "model": evaluation.model,
        "profile": dict(evaluation.profile),
        "sets": [asdict(score) for score in evaluation.sets],
        "examples": [asdict(record) for record in _examples(evaluation.records)],
    }
    lines = [json.dumps(asdict(record)) + "\n" for record in evaluation.records]
    write_atomically(folder / f"{evaluation.label}.jsonl", "".join(lines))
    write_atomically(folder / f"{evaluation.label}.json", json.dumps(summary, indent=1) + "\n")


def load_evaluation(folder: Path, label: str) -> Evaluation:
    """Read what `save_evaluation` wrote; DataError where it is missing or damaged."""
    path = folder / f"{label}.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        lines = path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        records = tuple(Record(**json.loads(line)) for line in lines)
        return Evaluation(summary["label"], summary["model"], summary["profile"], records)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a readable evaluation: {error}") from None


def score_records(records: Sequence[Record], task: str = ALL_TASKS) -> SetScore:
    """Summarise records of one set; what was not scored counts in `n` and `unscored` alone."""
    first = records[0]
    scored = [r for r in records if r.accuracy is not None]
    interval = mean_interval([r.accuracy for r in scored if r.accuracy is not None])
    return SetScore(
        name=first.set,
        domain=first.domain,
        format=first.format,
        task=task,
        n=len(records),
        accuracy=interval.mean,
        low=interval.low,
        high=interval.high,
        reward=mean([r.reward for r in scored if r.reward is not None]),
        format_rate=mean([r.well_formed for r in scored if r.well_formed is not None]),
        unscored=1 - len(scored) / len(records),
        mean_length=mean([r.tokens for r in records]),
    )


def paired_gain(before: Iterable[Record], after: Iterable[Record]) -> Interval:
    """Return the mean change of accuracy over the items that both scored, with its interval.

    Items are paired by set and id; a positive mean says that `after` is better.
    """
    old = {(r.set, r.id): r.accuracy for r in before if r.accuracy is not None}
    gains = [r.accuracy - old[r.set, r.id] for r in after if r.accuracy is not None and (r.set, r.id) in old]
    return mean_interval(gains)


def _set_scores(records: Sequence[Record]) -> list[SetScore]:
    tasks = list(dict.fromkeys(r.task for r in records))
    each = [score_records([r for r in records if r.task == task], task) for task in tasks]
    return [score_records(records), *(each if len(tasks) > 1 else [])]


def _by_set(records: Sequence[Record]) -> Mapping[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.set, []).append(record)
    return groups


def _examples(records: Sequence[Record]) -> list[Record]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.set, record.task), []).append(record)
    return [record for group in groups.values() for record in group[:_EXAMPLES]]
