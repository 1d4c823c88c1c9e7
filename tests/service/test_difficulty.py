"""Group statistics: sizes, means, pass rates and weights, and what is not scored."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.rewards.difficulty import GroupItem, GroupStatistics, cosine_weight, group_statistics


def items(*accuracies, group="a"):
    return [GroupItem(group, accuracy, accuracy) for accuracy in accuracies]


def test_a_group_is_described_by_its_rewards_and_pass_rate():
    found = group_statistics(items(1.0, 0.0, 0.0, 0.0))["a"]
    assert found == GroupStatistics(4, 4, 0.25, math.sqrt(0.1875), 0.25, 0.75, pytest.approx(math.sqrt(0.5)))


def test_mean_and_std_are_of_the_reward_and_the_pass_rate_is_of_the_accuracy():
    found = group_statistics([GroupItem("a", 2.0, 1.0), GroupItem("a", 1.0, 0.0)])["a"]
    assert (found.mean, found.std, found.pass_rate) == (1.5, 0.5, 0.5)


def test_what_is_not_scored_counts_in_the_size_alone():
    found = group_statistics([*items(1.0), GroupItem("a", None, None)])["a"]
    assert (found.size, found.scored, found.mean, found.pass_rate) == (2, 1, 1.0, 1.0)


def test_a_group_without_a_score_has_nulls():
    found = group_statistics([GroupItem("a", None, None, 0.25)])["a"]
    assert found == GroupStatistics(1, 0, None, None, None, None, None, 0.25)


@pytest.mark.parametrize(("rate", "weight"), [(0.0, 0.0), (0.25, math.sqrt(0.5)), (0.5, 1.0), (1.0, 0.0)])
def test_the_cosine_weight_is_1_in_the_middle_and_exactly_0_at_the_ends(rate, weight):
    assert cosine_weight(rate) == pytest.approx(weight, abs=1e-15)
    assert (cosine_weight(rate) == 0) == (weight == 0)


def test_uniform_groups_weigh_1():
    assert group_statistics(items(0.0, 0.0), group_weight="uniform")["a"].weight == 1.0


def test_the_accuracy_that_passes_is_inclusive_and_can_be_set():
    assert group_statistics(items(0.5, 0.4))["a"].pass_rate == 0.5
    assert group_statistics(items(0.5, 0.4), pass_accuracy=0.4)["a"].pass_rate == 1.0


def test_the_prior_is_the_mean_of_those_given():
    given_ = [GroupItem("a", 1.0, 1.0, 0.25), GroupItem("a", 1.0, 1.0, 0.75), GroupItem("a", 1.0, 1.0)]
    assert group_statistics(given_)["a"].prior == 0.5
    assert group_statistics(items(1.0))["a"].prior is None


def test_groups_stand_in_the_order_of_their_first_items():
    assert list(
        group_statistics([*items(1.0, group="b"), *items(0.0, group="a"), *items(1.0, group="b")])
    ) == ["b", "a"]


@given(st.lists(st.floats(0, 1), min_size=1), st.randoms())
def test_the_order_of_the_items_changes_no_bit(accuracies, random):
    shuffled = random.sample(accuracies, len(accuracies))
    found = group_statistics(items(*shuffled))["a"]
    assert found == group_statistics(items(*accuracies))["a"]
    assert 0.0 <= found.weight <= 1.0
    assert found.std >= 0.0
