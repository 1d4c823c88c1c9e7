"""Caps that are checked before anything is computed. What exceeds one is unreadable: nothing slow is ever started.

They are far above what problems and their answers need, and far below what costs time or memory.
"""

from __future__ import annotations

from fractions import Fraction

MAX_ANSWER = 100_000  # characters of an answer in which its expression is looked for
MAX_EXPRESSION = 2_000  # characters of one expression
MAX_TOKENS = 1_000
MAX_DEPTH = 60  # brackets, fractions, roots and signs inside each other
MAX_DIGITS = 500  # of one numeral
MAX_BITS = 20_000  # of a number computed exactly
MAX_EXPONENT = 200  # of anything but a number, since it may be multiplied out
MAX_FACTORIAL = 1_000
MAX_TERMS = 200  # of a sum or product that is written out
MAX_ITEMS = 64  # of a list, set, tuple or matrix row


class Unreadable(ValueError):
    """The text is no expression this reward reads; the message says why."""


class TooLarge(Unreadable):
    """A cap above was exceeded."""


def power(base: Fraction, exponent: int) -> Fraction:
    """`base ** exponent`, exactly. Raises TooLarge beyond MAX_BITS, ZeroDivisionError for 0 to a negative power."""
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and base != 0 and bits * abs(exponent) > MAX_BITS:
        raise TooLarge("a power is too large to compute")
    if base in (0, 1, -1):
        exponent = exponent % 2 + 2 if exponent > 0 else -(-exponent % 2) - 2 if exponent < 0 else 0
    return Fraction(base**exponent)
