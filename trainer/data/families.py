"""Three task families in three formats, all written from one scene's annotation.

| family    | binary                               | choice             | open                              |
|-----------|--------------------------------------|--------------------|-----------------------------------|
| detection | Is the red circle at [3, 7, 20, 24]? | one of three boxes | Where is the red circle?          |
| classify  | Is there a seven?                    | some of four words | Which digits are there?           |
| math      | Is the sum of the digits 12?         | one of four sums   | What is the sum of the digits?    |

A question is written from the true annotation. A reply follows from whatever annotation it is given: from the
true one it is the reference, from a distorted one the consistent reply of somebody who saw it so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from trainer.data.digits import DIGIT_WORDS
from trainer.data.scenes import CANVAS, Box, Scene, Thing, digits_in

Family = Literal["detection", "classify", "math"]
Format = Literal["binary", "choice", "open"]

FAMILIES: tuple[Family, ...] = ("detection", "classify", "math")
FORMATS: tuple[Format, ...] = ("binary", "choice", "open")

HIT = 0.5
"""A proposed box is the thing's box where their IoU is above this."""

_NEAR_MISS = 0.3  # a wrong proposal overlaps the true box by at most this IoU
_LARGEST_SUM = 27
_LETTERS = "ABCD"

Item = TypeVar("Item")

Value = Box | str | int
"""What a question proposes: a box (detection), a digit's word (classify) or a sum (math)."""


@dataclass(frozen=True)
class Question:
    """A question about a scene.

    `subject` is the thing asked for ("red circle"), empty outside detection. `proposals` is the one value of
    a binary question, the values of a choice question's letters in order, and empty for an open one.
    """

    family: Family
    form: Format
    text: str
    subject: str
    proposals: tuple[Value, ...]

    @property
    def choices(self) -> dict[str, str]:
        """Texts by letter for a choice question, else empty."""
        if self.form != "choice":
            return {}
        return {letter: write(v) for letter, v in zip(_LETTERS, self.proposals, strict=False)}


@dataclass(frozen=True)
class Reply:
    """A reply: `evidence` says what was seen (the reasoning), `answer` is the text for the answer block."""

    evidence: str
    answer: str


def ask(scene: Scene, family: Family, form: Format, rng: np.random.Generator) -> Question:
    """Write a question; binary ones are answered yes half of the time."""
    if family == "detection":
        return _ask_detection(scene, form, rng)
    if family == "classify":
        return _ask_classify(scene, form, rng)
    return _ask_math(scene, form, rng)


def reply(question: Question, things: Sequence[Thing]) -> Reply:
    """Answer `question` for somebody who sees `things`; the scene's own things give the reference."""
    if question.family == "detection":
        return _reply_detection(question, things)
    if question.family == "classify":
        return _reply_classify(question, things)
    return _reply_math(question, things)


def write(value: Value) -> str:
    """Write a proposed value as questions and answers do: "[3, 7, 20, 24]", "seven", "12"."""
    if isinstance(value, tuple):
        return "[" + ", ".join(str(c) for c in value) + "]"
    return str(value)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes in continuous coordinates, 0..1."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (_area(a) + _area(b) - shared)


def shifted(box: Box, rng: np.random.Generator, reach: int) -> Box:
    """Move a box by up to `reach` pixels each way, inside the canvas."""
    dx, dy = (int(d) for d in rng.integers(-reach, reach + 1, size=2))
    x = min(max(box[0] + dx, 0), CANVAS - (box[2] - box[0]))
    y = min(max(box[1] + dy, 0), CANVAS - (box[3] - box[1]))
    return (x, y, x + box[2] - box[0], y + box[3] - box[1])


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _options(values: Sequence[Value]) -> str:
    return " ".join(f"{letter} {write(v)}" for letter, v in zip(_LETTERS, values, strict=False))


def _ask_detection(scene: Scene, form: Format, rng: np.random.Generator) -> Question:
    target = scene.things[int(rng.integers(len(scene.things)))]
    if form == "open":
        return Question("detection", form, f"Where is the {target.name}?", target.name, ())
    wrong = _wrong_boxes(scene, target, rng)
    if form == "binary":
        box = target.box if rng.random() < 0.5 else wrong[0]
        text = f"Is the {target.name} at {write(box)}?"
        return Question("detection", form, text, target.name, (box,))
    values = _shuffled([target.box, *wrong[:2]], rng)
    text = f"Which box is the {target.name}? {_options(values)}"
    return Question("detection", form, text, target.name, tuple(values))


def _wrong_boxes(scene: Scene, target: Thing, rng: np.random.Generator) -> list[Box]:
    """Boxes of the other things first, then moved copies, all far from the target and from each other."""
    others = [t.box for t in scene.things if t != target]
    found = _shuffled(others, rng)
    while len(found) < 2:
        moved = shifted(target.box, rng, CANVAS)
        if all(iou(moved, box) <= _NEAR_MISS for box in [target.box, *found]):
            found.append(moved)
    return found


def _shuffled(values: Sequence[Item], rng: np.random.Generator) -> list[Item]:
    return [values[i] for i in rng.permutation(len(values))]


def _ask_classify(scene: Scene, form: Format, rng: np.random.Generator) -> Question:
    if form == "open":
        return Question("classify", form, "Which digits are there?", "", ())
    present = _shuffled(sorted({t.kind for t in scene.digits}), rng)
    absent = _shuffled([word for word in DIGIT_WORDS if word not in present], rng)
    if form == "binary":
        word = present[0] if rng.random() < 0.5 else absent[0]
        return Question("classify", form, f"Is there a {word}?", "", (word,))
    values = _shuffled((present + absent)[:4], rng)
    return Question("classify", form, f"Which digits are there? {_options(values)}", "", tuple(values))


def _ask_math(scene: Scene, form: Format, rng: np.random.Generator) -> Question:
    if form == "open":
        return Question("math", form, "What is the sum of the digits?", "", ())
    true = _sum(scene.digits)
    wrong = _shuffled([n for n in range(max(true - 6, 0), min(true + 6, _LARGEST_SUM) + 1) if n != true], rng)
    if form == "binary":
        number = true if rng.random() < 0.5 else wrong[0]
        return Question("math", form, f"Is the sum of the digits {number}?", "", (number,))
    values = _shuffled([true, *wrong[:3]], rng)
    return Question("math", form, f"What is the sum of the digits? {_options(values)}", "", tuple(values))


def _sum(digits: Sequence[Thing]) -> int:
    return sum(t.value or 0 for t in digits)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _reply_detection(question: Question, things: Sequence[Thing]) -> Reply:
    seen = next((t for t in things if t.name == question.subject), None)
    if seen is None:
        raise ValueError(f"the question asks for a {question.subject}, which is not among the things given")
    evidence = f"{seen.name} at {' '.join(str(c) for c in seen.box)}"
    overlaps = [iou(box, seen.box) for box in question.proposals if isinstance(box, tuple)]
    if question.form == "binary":
        return Reply(evidence, _yes(overlaps[0] > HIT))
    if question.form == "choice":
        return Reply(evidence, _LETTERS[int(np.argmax(overlaps))])
    return Reply(evidence, write(seen.box))


def _reply_classify(question: Question, things: Sequence[Thing]) -> Reply:
    seen = [t.kind for t in digits_in(things)]
    evidence = " and ".join(seen) or "nothing"
    if question.form == "binary":
        return Reply(evidence, _yes(question.proposals[0] in seen))
    if question.form == "choice":
        letters = [letter for letter, word in zip(_LETTERS, question.proposals, strict=False) if word in seen]
        return Reply(evidence, ", ".join(letters) or "none")
    return Reply(evidence, ", ".join(dict.fromkeys(seen)) or "none")


def _reply_math(question: Question, things: Sequence[Thing]) -> Reply:
    seen = digits_in(things)
    total = _sum(seen)
    evidence = f"{' plus '.join(t.kind for t in seen) or 'nothing'} is {total}"
    if question.form == "binary":
        return Reply(evidence, _yes(total == question.proposals[0]))
    if question.form == "choice":
        gaps = [abs(total - n) for n in question.proposals if isinstance(n, int)]
        return Reply(evidence, _LETTERS[int(np.argmin(gaps))])
    return Reply(evidence, str(total))
