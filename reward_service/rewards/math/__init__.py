"""Mathematical equivalence of the answer's expression with the reference: accuracy 1 or 0.

The expression is the last boxed one, else the answer's final expression (answer.py). It is compared in stages, and the
explanation names the one that decided:

    string     the texts are equal up to notation and white space
    rational   exact arithmetic on rational numbers, also inside tuples, sets, lists, intervals, matrices and units
    symbolic   sympy, in a worker process: refuted by numbers or proven by algebra (symbolic.py)
    limits     a cap was exceeded (limits.py): too long, too deep or too large to be an answer

Conventions (comparing.py, units.py): `x = 3` is 3; 50% is 0.5 and 1/2; 100 cm is 1 m and 5 m is not 5 cm; where one
side names no unit the numbers decide, so 28 answers 28%, and 0.28 does too, but 28% does not answer 28; 90 degrees is
90 or pi/2. {1,2} is not (1,2); items listed without brackets are a set, or a tuple where the reference is one. 1,000 is
a thousand, 1,5 a list or one and a half, whichever the reference asks for. `log` is to base 10. An approximation is wrong
unless `options.tolerance` allows it; listing several answers to one question is wrong. Words are compared as words.

An unreadable answer scores 0. A reference that cannot be read raises InvalidReference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from reward_service.rewards.math.answer import find_expression, whole_expression
from reward_service.rewards.math.exact import undefined
from reward_service.rewards.math.fast import decide, form, meanings
from reward_service.rewards.math.limits import TooLarge, Unreadable
from reward_service.rewards.math.symbolic_task import compare
from reward_service.rewards.reading import Reading, read_reference
from reward_service.rewards.score import InvalidReference, Judgement, Pending


@dataclass(frozen=True, slots=True)
class Options:
    """How maths is judged.

    tolerance: how far a number may be from the reference, relative to the reference's size; none: not at all.
    """

    tolerance: Annotated[float, Ge(0)] | None = None


ReferenceShape = str


@dataclass(frozen=True, slots=True)
class Reference:
    """A readable reference; `text` is its expression."""

    text: str


def prepare(reference: ReferenceShape, options: Options) -> Reference:
    """Read the reference: LaTeX or plain, bare, boxed or in an answer block.

    Raises InvalidReference when that is no expression or divides by zero; prose around one is not looked through.
    """
    text = whole_expression(read_reference(reference)) or ""
    try:
        without_value = all(map(undefined, meanings(text)))
    except Unreadable as error:
        raise InvalidReference(f"the reference is no expression: {error}") from None
    if without_value:
        raise InvalidReference("the reference has no value: it divides by zero")
    if not form(text):
        raise InvalidReference("the reference is empty")
    return Reference(text)


def judge(reading: Reading, reference: Reference, options: Options) -> Judgement | Pending:
    """Score an answer: at once where exact arithmetic decides, else as work for a worker process."""
    answer = find_expression(reading.answer)
    if not answer:
        return Judgement(0.0, None, "the answer states no expression that can be read", well_formed=False)
    try:
        verdict, stage = decide(answer, reference.text, options.tolerance)
    except TooLarge as error:
        return Judgement(0.0, answer, f"{error} (decided by limits)")
    except Unreadable as error:
        return Judgement(0.0, answer, f"the answer cannot be read: {error}", well_formed=False)
    if verdict is None:
        return Pending(compare, (answer, reference.text, options.tolerance))
    equals = "equals" if verdict else "differs from"
    return Judgement(float(verdict), answer, f"the answer {equals} the reference (decided by {stage})")


def as_answer(reference: Reference) -> str:
    """The reference as an answer that scores 1."""
    return reference.text
