import json

import numpy as np
import pytest

from trainer.data.digits import DIGIT_WORDS
from trainer.data.families import FAMILIES, FORMATS, Question, ask, iou, reply
from trainer.data.scenes import Scene, SceneStyle, draw_scene

CASES = [(family, form) for family in FAMILIES for form in FORMATS]


def asked(family, form, count=120) -> list[tuple[Scene, Question, str]]:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(count):
        scene = draw_scene(rng, SceneStyle(), "train")
        question = ask(scene, family, form, rng)
        found.append((scene, question, reply(question, scene.things).answer))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_binary_questions_are_balanced(family):
    answers = [answer for *_, answer in asked(family, "binary", 400)]
    assert set(answers) == {"yes", "no"}
    assert 0.4 < answers.count("yes") / len(answers) < 0.6


@pytest.mark.parametrize("family", FAMILIES)
def test_choice_letters_are_used_evenly(family):
    rows = asked(family, "choice", 400)
    for letter in rows[0][1].choices:
        share = sum(letter in answer.split(", ") for *_, answer in rows) / len(rows)
        assert 0.15 < share < 0.65


def test_some_choice_questions_have_several_answers_and_every_one_has_an_answer():
    answers = [answer for *_, answer in asked("classify", "choice")]
    assert any("," in answer for answer in answers)
    assert "none" not in answers


@pytest.mark.parametrize("family", FAMILIES)
def test_choices_differ_from_each_other(family):
    for _, question, _ in asked(family, "choice"):
        texts = list(question.choices.values())
        assert len(set(texts)) == len(texts)
        assert all(f"{letter} {text}" in question.text for letter, text in question.choices.items())


def test_the_open_box_is_the_thing_asked_for():
    for scene, question, answer in asked("detection", "open"):
        target = next(t for t in scene.things if t.name == question.subject)
        assert tuple(json.loads(answer)) == target.box
        assert question.subject in question.text


def test_wrong_boxes_are_far_from_the_right_one():
    for scene, question, answer in asked("detection", "choice"):
        target = next(t for t in scene.things if t.name == question.subject)
        for letter, box in zip("ABC", question.proposals, strict=True):
            assert (iou(box, target.box) == 1) if letter == answer else (iou(box, target.box) <= 0.3)


def test_the_labels_are_the_digits_without_repeats():
    for scene, _, answer in asked("classify", "open"):
        assert sorted(answer.split(", ")) == sorted({t.kind for t in scene.digits})


def test_the_sum_counts_repeated_digits():
    for scene, _, answer in asked("math", "open"):
        assert int(answer) == sum(DIGIT_WORDS.index(t.kind) for t in scene.digits)


@pytest.mark.parametrize(("family", "form"), CASES)
def test_every_question_comes_with_evidence_and_an_answer(family, form):
    for scene, question, answer in asked(family, form, 20):
        assert answer
        assert reply(question, scene.things).evidence


def test_asking_for_a_thing_that_is_not_there_is_an_error():
    question = Question("detection", "open", "Where is the red circle?", "red circle", ())
    with pytest.raises(ValueError, match="red circle"):
        reply(question, ())
