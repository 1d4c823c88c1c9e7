"""Draws report.png: learning curve, bars of base and final, and a few images with their boxes."""

from pathlib import Path
from textwrap import shorten

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from trainer.examples import Example, choose_examples
from trainer.plots import WINDOW, Bar, draw_bars, draw_curve, paired_bars
from trainer.run_record import BASE, FINAL, RunRecord

_IMAGES = 6
_LONGEST_QUESTION = 36  # characters
_REFERENCE_COLOUR, _PREDICTED_COLOUR, _TEXT_COLOUR = "#ffffff", "#ffd400", "#303a44"


def save_picture(run: RunRecord, path: Path) -> None:
    """Save the picture as PNG, 1320 pixels wide; parts that the run has not written yet stay empty."""
    figure = Figure(figsize=(11, 6.6), layout="constrained", facecolor="white")
    top, bottom = figure.subfigures(2, 1, height_ratios=[3, 2])
    curve, held_out = top.subplots(1, 2, width_ratios=[3, 2])
    draw_curve(curve, run.metrics, "accuracy", f"accuracy of the rollouts (bold: mean of {WINDOW} steps)")
    curve.set_ylim(0, 1)
    if run.metrics:
        curve.legend(frameon=False, fontsize=8, ncols=3, loc="lower right")
    base, final = run.evaluations.get(BASE), run.evaluations.get(FINAL)
    if base is not None and final is not None:
        draw_bars(
            held_out,
            _open_or_all(paired_bars(base, final)),
            "accuracy on held-out open questions, 95 % intervals",
        )
        _draw_examples(bottom.subplots(2, _IMAGES), _spread(choose_examples(base, final)))
    else:
        held_out.set_axis_off()
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _open_or_all(bars: list[Bar]) -> list[Bar]:
    return [bar for bar in bars if bar.base.format == "open"] or bars


def _spread(examples: list[Example]) -> list[Example]:
    """Take open-ended examples from the sets in turn, so that each is seen."""
    rows = [e for e in examples if e.base.format == "open"] or examples
    by_set: dict[str, list[Example]] = {}
    for example in rows:
        by_set.setdefault(example.set, []).append(example)
    turns = max((len(own) for own in by_set.values()), default=0)
    return [own[turn] for turn in range(turns) for own in by_set.values() if turn < len(own)][:_IMAGES]


def _draw_examples(axes: list[list[Axes]], examples: list[Example]) -> None:
    for row, name in ((axes[0], "base"), (axes[1], "final")):
        for panel in row:
            panel.set_axis_off()
        for panel, example in zip(row, examples, strict=False):
            _draw_example(panel, example, name)


def _draw_example(axes: Axes, example: Example, name: str) -> None:
    record = example.base if name == "base" else example.final
    axes.imshow(example.picture, extent=(0, example.width, example.height, 0), interpolation="nearest")
    for boxes, line, edge in (
        (record.reference_boxes, "-", _REFERENCE_COLOUR),
        (record.predicted_boxes, (0, (3, 2)), _PREDICTED_COLOUR),
    ):
        for x1, y1, x2, y2 in boxes:
            axes.add_patch(
                Rectangle(
                    (x1, y1), x2 - x1, y2 - y1, fill=False, linestyle=line, edgecolor=edge, linewidth=1.4
                )
            )
    axes.set_xlim(0, example.width)
    axes.set_ylim(example.height, 0)
    accuracy = "unscored" if record.accuracy is None else f"{record.accuracy:.2f}"
    question = shorten(example.problem, _LONGEST_QUESTION, placeholder="...")
    title = f"{question}\nbase: {accuracy}" if name == "base" else f"final: {accuracy} ({example.set})"
    axes.set_title(title, fontsize=7, color=_TEXT_COLOUR)
