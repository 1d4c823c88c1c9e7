"""The symbolic stage: refute with numbers, prove with algebra. Runs in a worker process (see reward_service.isolation).

Two scalars are different when they differ at one of a few fixed points at 60 digits. They are equal only when sympy
proves it: their difference expands, cancels, or simplifies to 0, or is an algebraic number whose minimal polynomial
is x. What is neither refuted nor proven counts as different: a reward that is missed costs less than one that is won
by accident. Variables are real, so sqrt(x^2) is |x|, not x.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy.core.random import seed

from reward_service.rewards.math.algebra import GIVES_UP, is_zero, ratio, real_set, scalar
from reward_service.rewards.math.comparing import Verdict, same, some, within
from reward_service.rewards.math.exact import rational
from reward_service.rewards.math.limits import TooLarge, Unreadable
from reward_service.rewards.math.nodes import Collection, Node, Relation
from reward_service.rewards.math.numeric import Undefined, differ, evaluate, names, points
from reward_service.rewards.math.readings import readings
from reward_service.rewards.score import Judgement

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_EQUAL, _DIFFERENT = "the answer equals the reference", "the answer differs from the reference"


def compare(answer: str, reference: str, tolerance: float | None) -> Judgement:
    """Judge an answer that is no exact rational matter. Both texts are expressions that `readings` can read."""
    seed(0)  # sympy draws random points: the same ones for the same item
    decider = Symbolically(tolerance)
    try:
        verdict = some(
            same(ours, theirs, decider) for ours in readings(answer) for theirs in readings(reference)
        )
    except TooLarge as error:
        return Judgement(0.0, answer, f"{error} (decided by limits)")
    if verdict:
        return Judgement(1.0, answer, f"{_EQUAL} (decided by symbolic)")
    reason = _DIFFERENT if verdict is False else "equality with the reference could not be proven"
    return Judgement(0.0, answer, f"{reason} (decided by symbolic)")


@dataclass(frozen=True, slots=True)
class Symbolically:
    """Decides scalars, sets and relations by numbers and sympy."""

    tolerance: float | None

    def scalars(self, answer: Node, reference: Node) -> Verdict:
        """Refuted by numbers, else proven by sympy, else None."""
        left, right = rational(answer), rational(reference)
        if left is not None and right is not None:
            return within(left, right, self.tolerance)
        if self.tolerance is not None and not names(answer) | names(reference):
            return _near(answer, reference, self.tolerance)
        if _refuted(answer, reference):
            return False
        try:
            return is_zero(scalar(answer) - scalar(reference)) or None
        except TooLarge:
            raise
        except Unreadable:
            return False
        except GIVES_UP:
            return None

    def sets(self, answer: Node, reference: Node) -> Verdict:
        """Both as sets of real numbers."""
        try:
            ours, theirs = real_set(answer), real_set(reference)
            if ours == theirs:
                return True
            return True if sympy.SymmetricDifference(ours, theirs) is sympy.S.EmptySet else None
        except TooLarge:
            raise
        except Unreadable:
            return self._joined(answer, reference)
        except GIVES_UP:
            return None

    def _joined(self, answer: Node, reference: Node) -> Verdict:
        """Conditions that are no sets of numbers: one by one."""
        if isinstance(answer, Relation) and isinstance(reference, Relation):
            return self.relations(answer, reference)
        if (
            isinstance(answer, Collection)
            and isinstance(reference, Collection)
            and answer.kind == reference.kind
        ):
            if len(answer.items) != len(reference.items):
                return False
            pairs = [[self._paired(ours, theirs) for theirs in reference.items] for ours in answer.items]
            return True if all(map(any, pairs)) and all(map(any, zip(*pairs, strict=True))) else None
        return None

    def _paired(self, answer: Node, reference: Node) -> bool:
        return answer == reference or self.sets(answer, reference) is True

    def relations(self, answer: Relation, reference: Relation) -> Verdict:
        """Equal up to a constant factor; in one variable, also equal as sets of numbers."""
        try:
            if len(answer.operators) == 1 == len(reference.operators) and (
                factor := ratio(answer, reference)
            ):
                ours, theirs = answer.operators[0], reference.operators[0]
                flips = factor.is_negative is True
                return True if ours == (_FLIPPED.get(theirs, theirs) if flips else theirs) else None
            if answer.operators != ("=",):
                return (
                    True
                    if real_set(answer) == real_set(reference) and _one_variable(answer, reference)
                    else None
                )
        except TooLarge:
            raise
        except (Unreadable, *GIVES_UP):
            return None
        return None


def _one_variable(answer: Relation, reference: Relation) -> bool:
    ours = frozenset().union(*map(names, answer.sides))
    return ours == frozenset().union(*map(names, reference.sides))


def _refuted(answer: Node, reference: Node) -> bool:
    for point in points(names(answer) | names(reference)):
        try:
            if differ(evaluate(answer, point), evaluate(reference, point)):
                return True
        except Undefined:
            continue
    return False


def _near(answer: Node, reference: Node, tolerance: float) -> Verdict:
    try:
        left, right = evaluate(answer, {}), evaluate(reference, {})
    except Undefined:
        return None
    return bool(abs(left - right) <= tolerance * abs(right))
