"""The golden cases of the grounding reward: hand-checked, each with one line of why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reward_service.rewards import grounding
from reward_service.rewards.reading import read

CASES = json.loads((Path(__file__).parent.parent / "cases" / "grounding.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden_case(case):
    options = grounding.Options(**case["options"])
    reading = read(case["completion"])
    judgement = grounding.judge(reading, grounding.prepare(case["reference"], options), options)
    assert judgement.accuracy == pytest.approx(case["expected"]["accuracy"], abs=1e-12), case["why"]
    assert float(reading.formatted and judgement.well_formed) == case["expected"]["format"], case["why"]
