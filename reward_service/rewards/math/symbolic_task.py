"""The task that a worker runs. The serving process names it without loading sympy."""

from __future__ import annotations

import importlib

from reward_service.rewards.score import Judgement


def compare(answer: str, reference: str, tolerance: float | None) -> Judgement:
    """See symbolic.compare."""
    symbolic = importlib.import_module("reward_service.rewards.math.symbolic")
    judgement: Judgement = symbolic.compare(answer, reference, tolerance)
    return judgement
