"""Plots of a run, drawn with matplotlib's object interface on the axes they are given."""

import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trainer.results import ALL_TASKS, Evaluation, SetScore
from trainer.run_record import Line, numbers
from trainer.verdicts import domain_name

WINDOW = 10
"""Steps in the moving mean of the learning curves."""

STAGE_COLOURS = ("#3b7dd8", "#d97a1e", "#2a9d63", "#a855c7", "#c0392b", "#5f6f7f")
BASE_COLOUR, FINAL_COLOUR = "#9aa4b0", "#2a9d63"
_LABEL_WIDTH = 12  # characters under a bar
_INK = "#0a0b0c"  # becomes currentColor in SVG, so that axes and text follow the page's light or dark theme


@dataclass(frozen=True, slots=True)
class Bar:
    """One set before and after training."""

    label: str
    base: SetScore
    final: SetScore


def paired_bars(base: Evaluation, final: Evaluation) -> list[Bar]:
    """Pair the scores of base and final over all tasks, for the sets that both have."""
    after = {score.name: score for score in final.sets if score.task == ALL_TASKS}
    before = [score for score in base.sets if score.task == ALL_TASKS and score.name in after]
    return [Bar(f"{fill(s.name, _LABEL_WIDTH)}\n{domain_name(s.domain)}", s, after[s.name]) for s in before]


def draw_curve(axes: Axes, metrics: Sequence[Line], key: str, title: str) -> None:
    """Draw a metric over the run's steps: each step faint, its moving mean over WINDOW steps bold, per stage.

    The moving mean starts anew with each stage; dotted lines mark where stages begin.
    """
    steps = np.arange(1, len(metrics) + 1)
    stages = [str(line.get("stage", "")) for line in metrics]
    values = np.array([np.nan if v is None else v for v in numbers(tuple(metrics), key)], dtype=float)
    start = 0
    for place, (stage, group) in enumerate(itertools.groupby(stages)):
        end = start + len(list(group))
        colour = STAGE_COLOURS[place % len(STAGE_COLOURS)]
        axes.plot(steps[start:end], values[start:end], color=colour, alpha=0.3, linewidth=0.8)
        axes.plot(steps[start:end], moving_mean(values[start:end]), color=colour, linewidth=2, label=stage)
        if start:
            axes.axvline(start + 0.5, color=_INK, linewidth=0.8, linestyle=":", alpha=0.6)
        start = end
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("step")
    axes.set_xlim(1, max(len(metrics), 2))
    _plain(axes)


def draw_bars(axes: Axes, bars: Sequence[Bar], title: str) -> None:
    """Draw base and final accuracy of each set side by side, with 95 % intervals."""
    places = np.arange(len(bars))
    for offset, colour, name in ((-0.2, BASE_COLOUR, "base"), (0.2, FINAL_COLOUR, "final")):
        scores = [bar.base if name == "base" else bar.final for bar in bars]
        heights = np.array([score.accuracy or 0.0 for score in scores])
        low = heights - np.array([score.low or 0.0 for score in scores])
        high = np.array([score.high or 0.0 for score in scores]) - heights
        axes.bar(places + offset, heights, 0.38, color=colour, label=name)
        axes.errorbar(
            places + offset, heights, yerr=[low, high], fmt="none", ecolor=_INK, elinewidth=1, capsize=2
        )
    axes.set_xticks(places, [bar.label for bar in bars])
    axes.set_ylim(0, 1.12)  # room for the legend above a full bar
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper right", labelcolor=_INK)
    _plain(axes)


def moving_mean(values: NDArray[np.float64], window: int = WINDOW) -> NDArray[np.float64]:
    """Return the mean of each value and up to `window` - 1 before it, leaving NaN out; NaN where all are."""
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0))
    count = np.cumsum(known)
    total[window:] -= total[:-window].copy()
    count[window:] -= count[:-window].copy()
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def curves_svg(metrics: Sequence[Line]) -> str:
    """Return accuracy, format and length over the run as one inline SVG in the page's text colour."""
    figure = Figure(figsize=(9, 6.2), layout="constrained")
    panels = figure.subplot_mosaic([["accuracy", "accuracy"], ["format", "length"]], height_ratios=[3, 2])
    draw_curve(
        panels["accuracy"], metrics, "accuracy", f"accuracy of the rollouts (bold: mean of {WINDOW} steps)"
    )
    panels["accuracy"].legend(frameon=False, fontsize=8, labelcolor=_INK, ncols=3, loc="lower right")
    draw_curve(panels["format"], metrics, "format", "share of rollouts in the required format")
    draw_curve(panels["length"], metrics, "completion_length", "tokens per completion")
    panels["accuracy"].set_ylim(0, 1)
    panels["format"].set_ylim(0, 1.05)
    return _svg(figure)


def bars_svg(bars: Sequence[Bar]) -> str:
    """Return the bars of base and final accuracy as an inline SVG in the page's text colour."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    draw_bars(figure.subplots(), bars, "accuracy on held-out items, with 95 % intervals")
    return _svg(figure)


def _plain(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_INK)
    axes.tick_params(colors=_INK, labelsize=8)
    axes.grid(axis="y", color=_INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label, axes._left_title):
        text.set_color(_INK)


def _svg(figure: Figure) -> str:
    figure.patch.set_alpha(0)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "plumbline", "font.family": "sans-serif"}):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace(_INK, "currentColor")
