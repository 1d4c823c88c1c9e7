"""The stages that need no worker: equal strings, then exact rational arithmetic, also inside tuples, sets and lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from reward_service.rewards.math.comparing import Verdict, same, some, within
from reward_service.rewards.math.exact import rational
from reward_service.rewards.math.nodes import Node, Relation
from reward_service.rewards.math.notation import plain, squeezed
from reward_service.rewards.math.readings import readings

_CACHED = 8192  # texts repeat: every completion of a group has one reference


@dataclass(frozen=True, slots=True)
class Exactly:
    """Decides scalars that are rational numbers."""

    tolerance: float | None

    def scalars(self, answer: Node, reference: Node) -> Verdict:
        """Exact comparison; None unless both are rational."""
        left = rational(answer)
        right = rational(reference)
        return None if left is None or right is None else within(left, right, self.tolerance)

    def sets(self, _: Node, __: Node) -> Verdict:
        """Left to the symbolic stage."""
        return None

    def relations(self, _: Relation, __: Relation) -> Verdict:
        """Left to the symbolic stage."""
        return None


@lru_cache(_CACHED)
def form(text: str) -> str:
    """The form in which strings are compared."""
    return squeezed(plain(text))


@lru_cache(_CACHED)
def meanings(text: str) -> tuple[Node, ...]:
    """What a text may mean, see readings.readings."""
    return readings(text)


def decide(answer: str, reference: str, tolerance: float | None) -> tuple[Verdict, str]:
    """The verdict, None if these means do not decide, and the stage that gave it. Raises Unreadable."""
    if form(answer) == form(reference):
        return True, "string"
    exactly = Exactly(tolerance)
    verdict = some(same(ours, theirs, exactly) for ours in meanings(answer) for theirs in meanings(reference))
    return verdict, "rational"
