"""Writes a run's report: report.html, which needs nothing beside itself, and report.png, its summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from trainer.examples import choose_examples
from trainer.picture import save_picture
from trainer.plots import WINDOW, bars_svg, curves_svg, paired_bars
from trainer.results import Evaluation, Record, SetScore, paired_gain
from trainer.run_folder import write_atomically
from trainer.run_record import BASE, FINAL, Line, RunRecord, numbers, read_run
from trainer.verdicts import direction_of, domain_name, headlines, set_verdicts

_ROLLOUTS_SHOWN = 4  # per stage and end of the stage


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A stage in numbers: mean accuracy of its first and last WINDOW steps, and where its time went."""

    name: str
    steps: int
    first: float | None
    last: float | None
    unscored: float | None
    speed: float | None
    rollouts: Sequence[Line]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the evaluation table: a set and task with its score under each label."""

    score: SetScore
    scores: Sequence[SetScore | None]
    gain: str
    direction: str


def write_report(folder: Path) -> Path:
    """Write report.html and report.png into a run folder and return the page's path.

    Works on an unfinished run too: parts that are not there yet are named as missing. Raises DataError where
    `folder` is no run folder or one of its files is damaged.
    """
    run = read_run(folder)
    page = folder / "report.html"
    write_atomically(page, render(run))
    save_picture(run, folder / "report.png")
    return page


def render(run: RunRecord) -> str:
    """Return the report as HTML; everything a model or a data file said is escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "domain": domain_name}
    template = environment.from_string(
        files("trainer").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    )
    base, final = run.evaluations.get(BASE), run.evaluations.get(FINAL)
    both = (base, final) if base is not None and final is not None else None
    return template.render(
        run=run,
        window=WINDOW,
        headlines=headlines(*both) if both else [],
        verdicts=set_verdicts(*both) if both else [],
        examples=choose_examples(*both) if both else [],
        bars=Markup(bars_svg(paired_bars(*both))) if both else None,
        curves=Markup(curves_svg(run.metrics)) if run.metrics else None,
        labels=list(run.evaluations),
        table=_table(run.evaluations),
        stages=_stages(run),
        facts=_facts(run),
    )


def _table(evaluations: Mapping[str, Evaluation]) -> list[TableRow]:
    scores = [{(s.name, s.task): s for s in e.sets} for e in evaluations.values()]
    keys = dict.fromkeys(key for own in scores for key in own)
    rows = []
    for name, task in keys:
        own = [column.get((name, task)) for column in scores]
        first = next(score for score in own if score is not None)
        gain, direction = _gain(evaluations, name, task)
        rows.append(TableRow(first, own, gain, direction))
    return sorted(rows, key=lambda row: row.score.domain != "in")


def _gain(evaluations: Mapping[str, Evaluation], name: str, task: str) -> tuple[str, str]:
    if BASE not in evaluations or FINAL not in evaluations:
        return "", "unclear"
    gain = paired_gain(*(_of(evaluations[label].records, name, task) for label in (BASE, FINAL)))
    if gain.mean is None or gain.low is None or gain.high is None:
        return "", "unclear"
    return f"{gain.mean:+.3f} [{gain.low:+.2f}, {gain.high:+.2f}]", direction_of(gain)


def _of(records: Sequence[Record], name: str, task: str) -> list[Record]:
    return [r for r in records if r.set == name and task in ("all", r.task)]


def _stages(run: RunRecord) -> list[StageFacts]:
    stages = []
    for name, group in groupby(run.metrics, key=lambda line: str(line.get("stage", ""))):
        lines = tuple(group)
        accuracy = numbers(lines, "accuracy")
        own = [r for r in run.rollouts if str(r.get("stage", "")) == name]
        shown = [*own[:_ROLLOUTS_SHOWN], *own[_ROLLOUTS_SHOWN:][-_ROLLOUTS_SHOWN:]]
        stages.append(
            StageFacts(
                name=name,
                steps=len(lines),
                first=_known_mean(accuracy[:WINDOW]),
                last=_known_mean(accuracy[-WINDOW:]),
                unscored=_known_mean(numbers(lines, "unscored")),
                speed=_known_mean(numbers(lines, "completions_per_s")),
                rollouts=shown,
            )
        )
    return stages


def _facts(run: RunRecord) -> dict[str, str]:
    packages = [f"{name} {value}" for name, value in run.versions.items() if isinstance(value, str)]
    facts = {"versions": ", ".join(packages)} if packages else {}
    for label, evaluation in run.evaluations.items():
        profile = ", ".join(f"{key} {value}" for key, value in evaluation.profile.items())
        facts[f"model and profile of {label}"] = f"{evaluation.model}; {profile}"
    elapsed = [v for v in numbers(run.metrics, "elapsed_s") if v is not None]
    waited, stepped = (
        sum(v for v in numbers(run.metrics, key) if v is not None) for key in ("reward_wait_s", "step_s")
    )
    if elapsed:
        facts["steps and wall time of training"] = f"{len(run.metrics)} steps, {elapsed[-1]:.0f} s"
    if stepped > 0:
        facts["share of step time spent waiting for rewards"] = f"{100 * waited / stepped:.1f} %"
    return facts


def _known_mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _number(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
