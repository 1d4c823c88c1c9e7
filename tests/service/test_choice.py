"""Choices: yes or no, one, several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.rewards import choice
from reward_service.rewards.choice import Options
from reward_service.rewards.reading import read
from reward_service.rewards.score import BadField, InvalidReference

unhurried = settings(deadline=None)  # the machine may be busy
CASES = json.loads((Path(__file__).parents[1] / "cases" / "choice.json").read_text())
CHOICES = {"A": "a red car", "B": "a blue car", "C": "a dog", "D": "a cat"}
letters = st.sampled_from("ABCD")
letter_sets = st.sets(letters, min_size=1)
references = st.booleans() | letters | letter_sets.map(sorted)
WORDS = (
    "A B C D E a b AC yes no not true false correct wrong isn't neither nor or and either because wait "
    "the answer is answer: option A: I car red blue dog cat true/false , . ? ! ( ) : - /"
)
phrases = st.sampled_from([*WORDS.split(), "\n"])
statements = st.lists(phrases, max_size=12).map(" ".join)


def accuracy(completion, reference, **options):
    chosen = Options(**options)
    return choice.judge(read(completion), choice.prepare(reference, chosen), chosen).accuracy


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["name"]))
def test_golden_cases(case):
    assert accuracy(case["completion"], case["reference"], **case["options"]) == case["expected"]["accuracy"]
    assert float(read(case["completion"]).formatted) == case["expected"]["format"]


@unhurried
@given(st.text(st.characters()) | statements, references, st.none() | st.just(CHOICES))
def test_any_answer_gets_a_whole_or_the_partial_credit(text, reference, choices):
    assert accuracy(text, reference, choices=choices) in (0.0, 0.2, 1.0)


@unhurried
@given(references, st.none() | st.just(CHOICES) | st.just(list(CHOICES.values())))
def test_a_reference_is_its_own_answer(reference, choices):
    options = Options(choices=choices)
    assert accuracy(choice.as_answer(choice.prepare(reference, options)), reference, choices=choices) == 1


@unhurried
@given(
    st.sets(st.text(st.characters(categories=["L", "N"]), min_size=3, max_size=9), min_size=2, max_size=5),
    st.data(),
)
def test_every_text_of_a_choice_is_an_answer(texts, data):
    listed = sorted(texts)
    if len({choice.phrase_of(text) for text in listed}) < len(listed) or any(
        not choice.phrase_of(t) for t in listed
    ):
        return
    right = data.draw(st.integers(0, len(listed) - 1))
    label = "ABCDE"[right]
    for said, asked in ((listed[right], label), (label, listed[right])):
        assert accuracy(said, asked, choices=listed, kind="single") == 1


@unhurried
@given(statements, letters)
def test_a_hedge_never_raises_a_score(said, right):
    for other in "ABCD":
        assert accuracy(f"{right} or {other}", right) == (right == other)
        if other != right:
            assert accuracy(f"{other}, {right}", right) == 0
    hedged = accuracy(f"{said}\nThe answer is A. The answer is B. The answer is C. The answer is D.", right)
    assert hedged == 0


@unhurried
@given(letter_sets, letter_sets, st.randoms())
def test_order_and_repetition_mean_nothing(said, right, random):
    listed = [*said, *said]
    random.shuffle(listed)
    answer, reference = ", ".join(listed), sorted(right, reverse=True)
    assert accuracy(answer, reference) == accuracy(", ".join(sorted(said)), sorted(right))


@unhurried
@given(letter_sets, letter_sets, letters)
def test_spam_never_raises_a_score(said, right, extra):
    if extra not in right:
        assert accuracy(", ".join(sorted({*said, extra})), sorted(right)) == 0


@unhurried
@given(statements, statements, references)
def test_text_inside_the_reasoning_never_changes_accuracy(thought, said, reference):
    assert accuracy(f"<think>{thought}</think>{said}", reference) == accuracy(
        f"<think></think>{said}", reference
    )


@unhurried
@given(letters, st.permutations("ABCD"))
def test_other_names_for_the_letters_change_nothing(right, names):
    renamed = dict(zip(names, CHOICES.values(), strict=True))
    label = next(name for name, text in renamed.items() if text == CHOICES[right])
    for said in CHOICES:
        name = next(each for each, text in renamed.items() if text == CHOICES[said])
        assert accuracy(name, label, choices=renamed) == accuracy(said, right, choices=CHOICES)
        assert accuracy(CHOICES[said], label, choices=renamed) == accuracy(said, right, choices=CHOICES)


@pytest.mark.parametrize(
    ("reference", "options"),
    [
        ("E", {"choices": CHOICES}),
        ("a plane", {"choices": CHOICES}),
        ("", {}),
        ("???", {}),
        ([], {}),
        ([""], {}),
        (["A", "E"], {"choices": CHOICES}),
        ("A or C", {"choices": CHOICES}),
        ("A, C", {"kind": "single"}),
        (True, {"kind": "single"}),
        ("yes", {"kind": "multiple", "choices": CHOICES}),
        ("B", {"kind": "binary"}),
        ("[" * 7000, {"choices": CHOICES}),
        ("[1, 2]", {"choices": CHOICES}),
        ("red", {"choices": ["red", "Red."]}),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_reference_that_is_no_choice_is_invalid(reference, options):
    with pytest.raises(InvalidReference, match=r"choice|question"):
        choice.prepare(reference, Options(**options))


@pytest.mark.parametrize(
    "choices", [{}, [], ["x"] * 27, {"A": "x", "a": "y"}, {"two words": "x"}, {"": "x"}], ids=ascii
)
def test_unusable_choices_are_a_bad_field(choices):
    with pytest.raises(BadField) as caught:
        choice.prepare("A", Options(choices=choices))
    assert caught.value.path == "options.choices"


@pytest.mark.parametrize(
    "reference", ['["A", "C"]', "<answer>A, C</answer>", "AC", "(A) and (C)", ["c", "A."]]
)
def test_references_are_read_in_the_styles_of_answers(reference):
    prepared = choice.prepare(reference, Options())
    assert (prepared.kind, prepared.labels) == ("multiple", {"A", "C"})


def test_numbers_as_labels():
    choices = {"1": "x", "2": "3"}
    assert accuracy("Option 2", "2", choices=choices) == 1
    assert accuracy("3", "2", choices=choices) == 1
    assert accuracy("There are 2", "1", choices=choices) == 0


@pytest.mark.parametrize("reference", [True, "B", ["A", "C"]])
@pytest.mark.parametrize(
    "unit", ["A or ", "B, ", "yes no ", "not ", "(", "a'", "1.", "\u0301\u0323", "x\n", "A"], ids=ascii
)
def test_hostile_answers_are_judged(unit, reference):
    assert accuracy(unit * (choice.MAX_ANSWER // len(unit)), reference) in (0, 0.2, 1)
    assert accuracy(unit * (1_000_000 // len(unit)), reference) == 0


def test_judgements_show_what_was_read():
    options = Options(choices=CHOICES)

    def answer(said, reference):
        return choice.judge(read(said), choice.prepare(reference, options), options).answer

    assert answer("No.", True) == "no"
    assert answer("a dog", "A") == "C"
    assert answer("C and A", ["A"]) == ["A", "C"]
    assert answer("A or B", "A") == ["A", "B"]
    assert answer("who knows", "A") is None
