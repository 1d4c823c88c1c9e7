"""The curriculum's state machine, without a model."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.curriculum import (
    CurriculumState,
    FinishedStage,
    Gate,
    StagePlan,
    advance,
    from_json,
    to_json,
)

accuracies = st.lists(st.none() | st.floats(0, 1), max_size=60)
gates = st.builds(
    Gate,
    threshold=st.floats(0, 1),
    window=st.integers(1, 6),
    patience=st.integers(1, 4),
    min_steps=st.integers(0, 20),
)
plans = st.builds(StagePlan, st.just("binary"), st.integers(1, 50), st.none() | gates)


def run(plan, values, state=None):
    """Feed values until the stage is left; return the last state, the decision and the steps taken."""
    state, decision = state or CurriculumState(), "continue"
    for taken, value in enumerate(values, start=1):
        state, decision = advance(state, plan, value)
        if decision != "continue":
            return state, decision, taken
    return state, decision, len(values)


def test_a_stage_without_a_gate_ends_at_its_cap_only():
    state, decision, taken = run(StagePlan("binary", 5), [1.0] * 9)
    assert (decision, taken, state.stage, state.step) == ("cap", 5, 1, 0)
    assert state.finished == (FinishedStage("binary", 5, "cap", 1.0),)


def test_the_gate_opens_when_the_mean_stayed_at_the_threshold_for_patience_steps():
    plan = StagePlan("binary", 99, Gate(threshold=0.5, window=2, patience=3))
    # means: -, 0.5, 0.75, 0.5, so the third passing mean in a row comes with the fourth step
    assert run(plan, [0.0, 1.0, 0.5, 0.5])[1:] == ("promote", 4)


def test_one_low_mean_starts_the_patience_again():
    plan = StagePlan("binary", 99, Gate(threshold=0.5, window=1, patience=2))
    assert run(plan, [0.5, 0.49, 0.5, 0.5])[1:] == ("promote", 4)


def test_the_window_must_be_full_before_a_mean_counts():
    plan = StagePlan("binary", 99, Gate(threshold=0.1, window=4, patience=1))
    assert run(plan, [1.0, 1.0, 1.0])[1] == "continue"
    assert run(plan, [1.0, 1.0, 1.0, 1.0])[1:] == ("promote", 4)


def test_no_stage_is_left_through_the_gate_before_min_steps():
    plan = StagePlan("binary", 99, Gate(threshold=0.1, window=1, patience=1, min_steps=7))
    assert run(plan, [1.0] * 20)[1:] == ("promote", 7)


def test_an_open_gate_wins_over_the_cap_at_the_same_step():
    assert run(StagePlan("binary", 1, Gate(threshold=0.5)), [0.5])[1] == "promote"


def test_a_step_without_accuracy_counts_but_teaches_the_gate_nothing():
    plan = StagePlan("binary", 99, Gate(threshold=0.5, window=1, patience=2))
    _, decision, taken = run(plan, [0.9, None, None, 0.9])
    assert (decision, taken) == ("promote", 4)
    assert run(StagePlan("binary", 2), [None, None])[0].finished[0].mean is None


def test_each_stage_starts_with_an_empty_window():
    plan = StagePlan("binary", 99, Gate(threshold=0.5, window=3, patience=1))
    state, _, _ = run(plan, [1.0, 1.0, 1.0])
    assert state.recent == ()
    assert state.streak == 0
    assert run(plan, [1.0, 1.0], state)[1] == "continue"


def test_global_steps_go_on_counting_across_stages():
    state, _, _ = run(StagePlan("binary", 3), [0.1] * 3)
    state, _, _ = run(StagePlan("choice", 9), [0.1] * 4, state)
    assert (state.stage, state.step, state.global_step) == (1, 4, 7)


@given(plans, accuracies)
def test_no_stage_takes_more_steps_than_its_cap(plan, values):
    state, decision, taken = run(plan, values)
    assert taken <= plan.max_steps
    assert (decision == "continue") == (state.stage == 0)


@given(plans, accuracies)
def test_the_decision_is_the_one_of_the_definition(plan, values):
    """Says again, from the whole history at once, when the gate opens."""
    seen, streak, expected = [], 0, ("continue", min(len(values), plan.max_steps))
    for step, value in enumerate(values, start=1):
        if value is not None:
            seen.append(value)
            window = seen[-plan.gate.window :] if plan.gate else []
            full = plan.gate is not None and len(window) == plan.gate.window
            passed = full and math.fsum(window) / len(window) >= plan.gate.threshold
            streak = streak + 1 if passed else 0
        if plan.gate is not None and streak >= plan.gate.patience and step >= plan.gate.min_steps:
            expected = ("promote", step)
            break
        if step >= plan.max_steps:
            expected = ("cap", step)
            break
    assert run(plan, values)[1:] == expected


@given(plans, accuracies, st.integers(0, 60))
def test_a_saved_and_reloaded_state_goes_on_as_if_nothing_happened(plan, values, cut):
    whole, decision, taken = run(plan, values)
    before, first, spent = run(plan, values[:cut])
    again = from_json(json.loads(json.dumps(to_json(before))))
    assert again == before
    if first == "continue":
        after, second, more = run(plan, values[cut:], again)
        assert (after, second, spent + more) == (whole, decision if values[cut:] else "continue", taken)


FINISHED = {"name": "a", "steps": 1, "outcome": "cap", "mean": 1.0}


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"stage": 0, "step": -1, "recent": [], "streak": 0, "finished": []},
        {"stage": 0, "step": 1, "recent": "0.5", "streak": 0, "finished": []},
        {"stage": 0, "step": 1, "recent": [None], "streak": 0, "finished": []},
        {"stage": True, "step": 1, "recent": [], "streak": 0, "finished": []},
        {"stage": 1, "step": 1, "recent": [], "streak": 0, "finished": [{"name": "a", "steps": 1}]},
        {
            "stage": 1,
            "step": 1,
            "recent": [],
            "streak": 0,
            "finished": [{"name": "a", "steps": 1, "outcome": "x", "mean": 1}],
        },
    ],
)
def test_what_is_no_state_is_refused(broken):
    with pytest.raises(ValueError, match="not the state of a curriculum"):
        from_json(broken)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_accuracy_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        advance(CurriculumState(), StagePlan("binary", 5), value)


@pytest.mark.parametrize(
    "settings", [{"window": 0}, {"patience": 0}, {"min_steps": -1}, {"threshold": float("nan")}]
)
def test_a_gate_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ValueError, match="gate"):
        Gate(**{"threshold": 0.5, **settings})


def test_a_stage_without_steps_is_refused():
    with pytest.raises(ValueError, match="max_steps"):
        StagePlan("binary", 0)
