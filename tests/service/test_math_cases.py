from __future__ import annotations

import json
from pathlib import Path

import pytest

from reward_service.rewards import math
from reward_service.rewards.reading import read
from reward_service.rewards.score import InvalidReference, Judgement, Pending

CASES = json.loads((Path(__file__).parents[1] / "cases" / "math.json").read_text(encoding="utf-8"))


def score(completion: str, reference: str, tolerance: float | None = None) -> Judgement:
    """Judge in this process, symbolic work included."""
    options = math.Options(tolerance)
    judgement = math.judge(read(completion), math.prepare(reference, options), options)
    return judgement.function(*judgement.arguments) if isinstance(judgement, Pending) else judgement


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden_case(case: dict) -> None:
    judgement = score(case["completion"], case["reference"], **case["options"])
    assert judgement.accuracy == case["expected"]["accuracy"], judgement.explanation


@pytest.mark.parametrize("reference", sorted({case["reference"] for case in CASES}))
def test_every_reference_is_its_own_answer(reference: str) -> None:
    prepared = math.prepare(reference, math.Options())
    assert score(math.as_answer(prepared), reference).accuracy == 1.0
    assert (
        score(
            f"<think>.</think><answer>so \\boxed{{{math.as_answer(prepared)}}}</answer>", reference
        ).accuracy
        == 1
    )


def test_the_explanation_names_the_stage_that_decided() -> None:
    stages = {"\\frac12": "string", "2/4": "rational", "\\cos 60^\\circ": "symbolic", "9^{9^{9^9}}": "limits"}
    for answer, stage in stages.items():
        assert (
            f"decided by {stage}"
            in score(answer, "\\frac{1}{2}" if stage != "string" else answer).explanation
        )


@pytest.mark.parametrize(
    "reference",
    ["", " ", "\\frac{1}", "2 +", "\\int x", "((3)", "1 2", "9^{9^{9^9", "{" * 5000, "nan"],
)
def test_a_reference_that_means_nothing_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference, match="reference"):
        math.prepare(reference, math.Options())


@pytest.mark.parametrize("reference", ["1/0", "\\frac{1}{0}", "2^{1/0}", "0^{-1}", "\\ln 0", "(1, 1/0)"])
def test_a_reference_without_a_value_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference, match="divides by zero"):
        math.prepare(reference, math.Options())


def test_a_reference_may_carry_an_answer_block_or_a_box() -> None:
    assert math.prepare("<answer> 5 </answer>", math.Options()).text == "5"
    assert math.prepare("thus \\boxed{x = 5}", math.Options()).text == "x = 5"


def test_an_unreadable_answer_is_wrong_and_malformed() -> None:
    judgement = score("<answer>\\frac{1}{</answer>", "5")
    assert (judgement.accuracy, judgement.well_formed) == (0.0, False)
