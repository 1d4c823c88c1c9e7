"""Sum up demo runs over seeds: accuracy of the base and the final model per held-out set, gain and spread.

    python bench/seeds.py runs/seed-0 runs/seed-1 runs/seed-2 --out docs/results.json

A set counts as learned when the mean gain over the seeds exceeds their sample standard deviation.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table


class SetResult(TypedDict):
    """One held-out set over all seeds; accuracies in [0, 1], in the order of the runs."""

    name: str
    domain: str
    format: str
    task: str
    n: int
    base: list[float]
    final: list[float]
    mean_gain: float
    gain_sd: float


def accuracies(run: Path, label: str) -> dict[tuple[str, str], dict[str, object]]:
    """The sets of one evaluation of a run, by name and task."""
    evaluation = json.loads((run / "evaluation" / f"{label}.json").read_text())
    return {(entry["name"], entry["task"]): entry for entry in evaluation["sets"]}


def summarise(runs: list[Path]) -> list[SetResult]:
    """Base and final accuracy of every set that all runs share."""
    bases = [accuracies(run, "base") for run in runs]
    finals = [accuracies(run, "final") for run in runs]
    results = []
    for key, entry in bases[0].items():
        base = [float(b[key]["accuracy"]) for b in bases]  # type: ignore[arg-type]
        final = [float(f[key]["accuracy"]) for f in finals]  # type: ignore[arg-type]
        gains = [after - before for before, after in zip(base, final, strict=True)]
        results.append(
            SetResult(
                name=key[0],
                domain=str(entry["domain"]),
                format=str(entry["format"]),
                task=key[1],
                n=int(entry["n"]),  # type: ignore[call-overload]
                base=base,
                final=final,
                mean_gain=statistics.fmean(gains),
                gain_sd=statistics.stdev(gains) if len(gains) > 1 else float("nan"),
            )
        )
    return results


class RunCost(TypedDict):
    """What one run took: optimiser steps, seconds in them, and the share of that time spent waiting for rewards."""

    run: str
    steps: int
    seconds: float
    completions_per_s: float
    reward_wait_share: float


def cost(run: Path) -> RunCost:
    """Add up the steps of a run."""
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    seconds = sum(step["step_s"] for step in steps)
    completions = sum(step["completions_per_s"] * step["step_s"] for step in steps)
    waited = sum(step["reward_wait_s"] for step in steps)
    return RunCost(
        run=run.name,
        steps=len(steps),
        seconds=seconds,
        completions_per_s=completions / seconds,
        reward_wait_share=waited / seconds,
    )


def show_costs(costs: list[RunCost]) -> None:
    """Print one line per run."""
    table = Table(title="what the runs took")
    for column in ("run", "steps", "seconds in steps", "completions/s", "waiting for rewards"):
        table.add_column(column)
    for row in costs:
        table.add_row(
            row["run"],
            str(row["steps"]),
            f"{row['seconds']:.0f}",
            f"{row['completions_per_s']:.0f}",
            f"{100 * row['reward_wait_share']:.1f} %",
        )
    Console(width=150).print(table)


def show(results: list[SetResult]) -> None:
    """Print one line per set."""
    table = Table(title="held-out accuracy over seeds")
    for column in (
        "set",
        "domain",
        "format",
        "task",
        "n",
        "base",
        "final per seed",
        "gain",
        "sd of gain",
        "",
    ):
        table.add_column(column)
    for row in results:
        learned = row["mean_gain"] > row["gain_sd"]
        table.add_row(
            row["name"],
            row["domain"],
            row["format"],
            row["task"],
            str(row["n"]),
            f"{statistics.fmean(row['base']):.3f}",
            " ".join(f"{value:.3f}" for value in row["final"]),
            f"{row['mean_gain']:+.3f}",
            f"{row['gain_sd']:.3f}",
            "gain exceeds spread" if learned else "",
        )
    Console(width=150).print(table)


def main() -> None:
    """Read the runs, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results = summarise(arguments.runs)
    costs = [cost(run) for run in arguments.runs]
    show(results)
    show_costs(costs)
    if arguments.out:
        arguments.out.write_text(json.dumps({"costs": costs, "sets": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
