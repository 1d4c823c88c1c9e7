import numpy as np
import pytest

from trainer.data.digits import DIGIT_WORDS, scans
from trainer.data.families import iou
from trainer.data.generate import SETS
from trainer.data.scenes import CANVAS, COLOURS, Scene, SceneStyle, draw_scene


def drawn(style: SceneStyle, count: int = 40) -> list[Scene]:
    rng = np.random.default_rng(5)
    return [draw_scene(rng, style, "train") for _ in range(count)]


def test_the_two_splits_share_no_scan_and_hold_all_of_them():
    train, test = scans("train"), scans("test")
    assert len(train.values) + len(test.values) == 1797
    assert not {s.tobytes() for s in train.ink} & {s.tobytes() for s in test.ink}


def test_each_split_has_every_digit():
    for split in ("train", "test"):
        assert all(len(own) > 30 for own in scans(split).by_value)


@pytest.mark.parametrize("name", sorted(SETS))
def test_scenes_keep_to_their_style(name):
    style = SETS[name].style
    for scene in drawn(style):
        assert scene.image.size == (CANVAS, CANVAS)
        assert style.things[0] <= len(scene.things) <= style.things[1]
        assert style.digits[0] <= len(scene.digits) <= style.digits[1]


def test_things_lie_inside_the_picture_and_apart():
    for scene in drawn(SceneStyle(things=(5, 6), size=(11, 14))):
        for place, thing in enumerate(scene.things):
            x1, y1, x2, y2 = thing.box
            assert 0 <= x1 < x2 <= CANVAS
            assert 0 <= y1 < y2 <= CANVAS
            assert all(iou(thing.box, other.box) == 0 for other in scene.things[:place])


def test_no_two_things_of_a_scene_share_their_name():
    for scene in drawn(SceneStyle()):
        names = [thing.name for thing in scene.things]
        assert len(set(names)) == len(names)


def test_boxes_touch_the_ink_on_all_four_sides():
    for scene in drawn(SceneStyle()):
        pixels = np.asarray(scene.image, dtype=np.float32)
        ground = np.median(pixels.reshape(-1, 3), axis=0)
        inked = np.abs(pixels - ground).max(axis=2) > 40
        for thing in scene.things:
            x1, y1, x2, y2 = thing.box
            region = inked[y1:y2, x1:x2]
            assert all(side.any() for side in (region[0], region[-1], region[:, 0], region[:, -1]))


def test_a_thing_shows_its_colour():
    for scene in drawn(SceneStyle()):
        pixels = np.asarray(scene.image, dtype=np.float32)
        for thing in scene.things:
            x1, y1, x2, y2 = thing.box
            gaps = np.abs(pixels[y1:y2, x1:x2] - np.asarray(COLOURS[thing.colour])).sum(axis=2)
            assert gaps.min() < 40


def test_digits_are_listed_from_left_to_right():
    for scene in drawn(SceneStyle()):
        lefts = [digit.box[0] for digit in scene.digits]
        assert lefts == sorted(lefts)
        assert all(digit.kind in DIGIT_WORDS for digit in scene.digits)
