"""Open-ended answers: texts, label sets, counts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.rewards import open_ended
from reward_service.rewards.open_ended import Options
from reward_service.rewards.open_ended.numerals import numbers_in
from reward_service.rewards.reading import read
from reward_service.rewards.score import InvalidReference

unhurried = settings(deadline=None)  # the machine may be busy
CASES = json.loads((Path(__file__).parents[1] / "cases" / "open_ended.json").read_text())
kinds = st.sampled_from(["text", "labels", "count"])
label = st.text("abcdefg ", min_size=1, max_size=6).map(str.strip).filter(bool)
label_lists = st.lists(label, max_size=5)
NAMES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen"""
UNITS = NAMES.split()
TENS = ["x", "x", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def accuracy(completion, reference, match="text"):
    options = Options(match)
    return open_ended.judge(read(completion), open_ended.prepare(reference, options), options).accuracy


def in_words(number):
    if number >= 1000:
        rest = f" {in_words(number % 1000)}" if number % 1000 else ""
        return f"{in_words(number // 1000)} thousand{rest}"
    if number >= 100:
        rest = f" and {in_words(number % 100)}" if number % 100 else ""
        return f"{UNITS[number // 100]} hundred{rest}"
    if number < 20:
        return UNITS[number]
    return TENS[number // 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["name"]))
def test_golden_cases(case):
    scored = accuracy(case["completion"], case["reference"], **case["options"])
    assert scored == pytest.approx(case["expected"]["accuracy"])
    assert float(read(case["completion"]).formatted) == case["expected"]["format"]


@unhurried
@given(st.text(st.characters()) | st.text("0123,./ -onetwhude[]\"'"), kinds)
def test_any_answer_gets_a_score_from_0_to_1(text, match):
    assert 0 <= accuracy(text, "3", match) <= 1


@unhurried
@given(st.text(st.characters()), kinds)
def test_a_reference_is_its_own_answer(text, match):
    options = Options(match)
    try:
        answer = open_ended.as_answer(open_ended.prepare(text, options))
    except InvalidReference:
        return
    if "<" not in answer:
        assert accuracy(f"<answer>{answer}</answer>", text, match) == 1


@unhurried
@given(st.integers(-(10**6), 10**9) | st.decimals(-100, 100, places=2).map(float))
def test_a_number_is_its_own_count(number):
    assert accuracy(str(number), number, "count") == 1


@unhurried
@given(st.integers(0, 999_999))
def test_numbers_are_read_in_words(number):
    assert numbers_in(f"There are {in_words(number)} dogs") == {Fraction(number)}


@unhurried
@given(label_lists, label_lists, st.randoms())
def test_labels_are_sets(said, right, random):
    mixed = [*said, *said]
    random.shuffle(mixed)
    expected = len({*said} & {*right}) / len({*said} | {*right}) if said or right else 1
    assert accuracy(json.dumps(mixed), right, "labels") == expected
    assert accuracy(json.dumps(said), right, "labels") == expected


@unhurried
@given(label_lists, label_lists, label)
def test_spam_never_raises_a_score(said, right, spam):
    if spam not in right:
        alone = accuracy(json.dumps(said), right, "labels")
        assert accuracy(json.dumps([*said, spam]), right, "labels") <= alone


@unhurried
@given(st.integers(0, 50), st.integers(0, 50))
def test_a_hedge_never_raises_a_score(right, other):
    assert accuracy(f"{right} or {other}", right, "count") == (right == other)
    assert accuracy(f"{in_words(right)}, {in_words(other)}", right, "count") == (right == other)


@unhurried
@given(st.text("abc 123,[]"), st.sampled_from(["cat", "3", "", "none", "<answer>"]), kinds)
def test_text_inside_the_reasoning_never_changes_accuracy(thought, said, match):
    with_thought = accuracy(f"<think>{thought}</think><answer>{said}</answer>", "3", match)
    assert with_thought == accuracy(f"<answer>{said}</answer>", "3", match)


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        ("", "text"),
        ([], "text"),
        (["cat", " "], "text"),
        ("x" * 8001, "text"),
        ("cat", "count"),
        ("2 or 3", "count"),
        (["1", "2"], "count"),
        ("3rd", "count"),
        ("1" * 8001, "count"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_reference_that_says_nothing_is_invalid(reference, match):
    with pytest.raises(InvalidReference, match="expected"):
        open_ended.prepare(reference, Options(match))


@pytest.mark.parametrize("match", ["text", "labels", "count"])
@pytest.mark.parametrize(
    "unit",
    ["[", ",", "one hundred ", "a\u0301\u0323", "\u0301\u0323", "1,", "9", "not ", "\ufdfa", '"', "-"],
    ids=ascii,
)
def test_hostile_answers_are_judged(unit, match):
    for length in (open_ended.MAX_ANSWER, 1_000_000):
        assert accuracy(unit * (length // len(unit)), "3", match) == 0


@pytest.mark.parametrize("said", ['[["cat"]]', "[1, true]", '{"a": 1}', "```cat```", "[cat"])
def test_other_json_is_no_list_of_labels(said):
    assert accuracy(said, "cat", "labels") in (0, 1)
    assert accuracy(said, "dog", "labels") == 0


def test_numbers_in_a_json_list_are_labels():
    assert accuracy("[3, 5]", ["3", "5"], "labels") == 1
    assert accuracy("3, 5", "[3, 5]", "labels") == 1
