"""`trainer eval`: scores a model on data files through the service and prints a table."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from trainer.client import RewardClient
from trainer.config import EvaluationConfig, EvaluationSet, Format, ModelConfig, RewardConfig
from trainer.evaluation import Settings, evaluate, load_sets
from trainer.models import load_model
from trainer.preflight import check_routes
from trainer.probes import routes_of_sets
from trainer.results import Evaluation, SetScore, save_evaluation
from trainer.verdicts import domain_name

_WIDTH = 140  # characters, where the output is no terminal


@dataclass(frozen=True, slots=True)
class EvalSettings:
    """The settings of an evaluation without a run configuration."""

    model: ModelConfig
    reward: RewardConfig
    evaluation: EvaluationConfig
    seed: int = 0


def eval_settings(
    model: ModelConfig, reward: RewardConfig, data: Sequence[Path], form: Format, sample: str | None = None
) -> EvalSettings:
    """Build settings from data files alone; each file is a set, named after its folder and itself."""
    names: list[str] = []
    for path in data:
        name = (
            re.sub(r"[^A-Za-z0-9_.-]", "-", f"{path.resolve().parent.name}-{path.stem}").lstrip("_.-")
            or "set"
        )
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    sets = tuple(
        EvaluationSet(name=name, domain="in", path=path.resolve(), format=form, sample=sample)
        for name, path in zip(names, data, strict=True)
    )
    return EvalSettings(model, reward, EvaluationConfig(sets=sets))


def run_eval(
    settings: Settings, model_path: Path | None = None, label: str = "eval", output_dir: Path | None = None
) -> Evaluation:
    """Score `settings.model`, or the weights in `model_path`, and print accuracy with its interval per set.

    Service and data are checked before the model loads. Files LABEL.json and LABEL.jsonl are written where
    `output_dir` is given. Raises what the client, the rows and the model raise.
    """
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    with RewardClient(settings.reward) as client:
        client.version()
        check_routes(routes_of_sets(settings.reward, settings.evaluation), client)
        sets = load_sets(settings)
        model, processor = load_model(settings.model, model_path)
        with Progress(console=console, transient=True) as bar:
            bars = {s.settings.name: bar.add_task(s.settings.name, total=len(s.rows)) for s in sets}
            evaluation = evaluate(
                settings,
                sets,
                model,
                processor,
                client,
                label,
                progress=lambda name, done, _: bar.update(bars[name], completed=done),
            )
    if output_dir is not None:
        save_evaluation(evaluation, output_dir)
    console.print(score_table(evaluation))
    return evaluation


def score_table(evaluation: Evaluation) -> Table:
    """Return the scores per set and task as a table for the terminal."""
    name, version = evaluation.profile.get("name", "?"), evaluation.profile.get("version", "?")
    table = Table(box=SIMPLE, title=f"{evaluation.label}: {evaluation.model}, profile {name} {version}")
    table.add_column("set", no_wrap=True)
    for heading in ("domain", "task"):
        table.add_column(heading)
    for heading in ("items", "accuracy", "95 % interval", "reward", "format", "unscored", "tokens"):
        table.add_column(heading, justify="right")
    for score in evaluation.sets:
        table.add_row(*_cells(score), style="bold" if score.task == "all" else None)
    return table


def _cells(score: SetScore) -> list[str]:
    return [
        score.name,
        domain_name(score.domain),
        score.task,
        str(score.n),
        _number(score.accuracy),
        f"{_number(score.low)} to {_number(score.high)}",
        _number(score.reward),
        _number(score.format_rate),
        f"{score.unscored:.1%}",
        _number(score.mean_length, 1),
    ]


def _number(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
