"""The metrics, and the page that describes them."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from reward_service.rewards.registry import TASKS
from reward_service.scoring import Outcome
from reward_service.settings import Settings
from reward_service.telemetry import Telemetry
from tests.conftest import ROOT

LABELS = ("task", "profile", "status", "signal")
OPERATIONS = (ROOT / "docs/operations.md").read_text()


def values(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(telemetry.exposition().decode())
    samples = (sample for family in families for sample in family.samples)
    return {
        (sample.name, *(sample.labels[key] for key in LABELS if key in sample.labels)): sample.value
        for sample in samples
    }


def test_items_are_counted_by_task_profile_and_status() -> None:
    telemetry = Telemetry()
    outcomes = [
        Outcome("scored", 1.0, 0.75, b""),
        Outcome("scored", 1.0, 0.5, b""),
        Outcome("error", None, None, b""),
    ]
    telemetry.scored([TASKS["choice"]] * 3, "default@1", outcomes)
    found = values(telemetry)
    assert found["plumbline_items_total", "choice", "default@1", "scored"] == 2
    assert found["plumbline_items_total", "choice", "default@1", "error"] == 1
    assert found["plumbline_accuracy_total", "choice", "default@1"] == 1.25


def test_groups_are_counted_by_whether_they_carry_a_signal() -> None:
    telemetry = Telemetry()
    telemetry.groups("default@1", [0.0, 0.5, 0.1, None])
    found = values(telemetry)
    signals = {
        signal: found["plumbline_groups_total", "default@1", signal]
        for signal in ("none", "some", "unscored")
    }
    assert signals == {"none": 1, "some": 2, "unscored": 1}


def test_restarts_are_a_running_total() -> None:
    telemetry = Telemetry()
    for total in (0, 2, 2, 3):
        telemetry.restarts(total)
    assert values(telemetry)["plumbline_verifier_restarts_total",] == 3


def test_every_metric_and_setting_is_described() -> None:
    telemetry = Telemetry()
    telemetry.request("/reward", 200, 0.1)
    families = text_string_to_metric_families(telemetry.exposition().decode())
    names = {family.name for family in families if not family.name.endswith("_created")}
    described = set(re.findall(r"`(plumbline_\w+?)(?:_total)?`", OPERATIONS))
    assert described == names
    settings = {f"REWARD_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"`(REWARD_[A-Z_]+)`", OPERATIONS)) == settings
