"""Exact rational arithmetic on nodes, within the caps."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from reward_service.rewards.math.limits import MAX_BITS, MAX_FACTORIAL, TooLarge, Unreadable, power
from reward_service.rewards.math.nodes import Call, Node, Number, Word, parts

_MAX_BASE = 36


def rational(node: Node) -> Fraction | None:
    """The exact value of `node`; None where it is not rational by arithmetic alone, or not defined.

    Raises TooLarge beyond a cap, Unreadable for digits that their base lacks.
    """
    if isinstance(node, Number):
        return node.value
    if not isinstance(node, Call):
        return None
    if node.function == "base":
        return _in_base(node)
    operation = _OPERATIONS.get(node.function)
    if operation is None:
        return None
    values = [rational(argument) for argument in node.arguments]
    if any(value is None for value in values):
        return None
    try:
        result = operation(*(value for value in values if value is not None))
    except (ZeroDivisionError, TypeError):
        return None
    if result is not None and max(result.numerator.bit_length(), result.denominator.bit_length()) > MAX_BITS:
        raise TooLarge("a number is too large to compute")
    return result


def undefined(node: Node) -> bool:
    """Whether a division by exactly 0, a negative power of 0 or a logarithm of 0 stands in it. Raises like `rational`."""
    if isinstance(node, Call):
        values = [rational(argument) for argument in node.arguments[:2]]
        if node.function in ("/", "mod") and values[1] == 0:
            return True
        if node.function in ("ln", "log", "lg") and values[0] == 0:
            return True
        if node.function == "^" and values[0] == 0 and values[1] is not None and values[1] < 0:
            return True
    return any(map(undefined, parts(node)))


def _in_base(node: Call) -> Fraction | None:
    digits, base = node.arguments
    value = rational(base)
    if not isinstance(digits, Word) or value is None or value.denominator != 1 or not 2 <= value <= _MAX_BASE:
        return None
    if not digits.text.isdigit() or any(int(digit) >= value for digit in digits.text):
        raise Unreadable(f"{digits.text} has digits that base {value} lacks")
    return Fraction(int(digits.text, int(value)))


def integer_root(value: Fraction, degree: int) -> Fraction | None:
    """The exact real root, None where it is irrational or not real."""
    if degree < 1 or (value < 0 and degree % 2 == 0) or degree > MAX_BITS:
        return None
    sign = -1 if value < 0 else 1
    top, bottom = _whole_root(abs(value.numerator), degree), _whole_root(value.denominator, degree)
    return None if top is None or bottom is None else Fraction(sign * top, bottom)


def _whole_root(value: int, degree: int) -> int | None:
    if degree == 2:
        guess = math.isqrt(value)
        return guess if guess * guess == value else None
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**degree < value else (low, middle)
    return low if low**degree == value else None


def _raise(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1:
        root = integer_root(base, exponent.denominator)
        return None if root is None else _raise(root, Fraction(exponent.numerator))
    return None if base == 0 and exponent <= 0 else power(base, exponent.numerator)


def _root(value: Fraction, degree: Fraction) -> Fraction | None:
    return integer_root(value, degree.numerator) if degree.denominator == 1 else None


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise TypeError
    if abs(value) > MAX_FACTORIAL:
        raise TooLarge(f"a factorial or binomial beyond {MAX_FACTORIAL}")
    return value.numerator


def _factorial(value: Fraction) -> Fraction | None:
    return Fraction(math.factorial(whole)) if (whole := _whole(value)) >= 0 else None


def _binomial(top: Fraction, bottom: Fraction) -> Fraction | None:
    n, k = _whole(top), _whole(bottom)
    return Fraction(math.comb(n, k)) if n >= 0 and k >= 0 else None


def _fold(function: Callable[[int, int], int]) -> Callable[..., Fraction | None]:
    def fold(*values: Fraction) -> Fraction | None:
        if any(value.denominator != 1 for value in values):
            return None
        result = values[0].numerator
        for value in values[1:]:
            result = function(result, value.numerator)
        return Fraction(abs(result))

    return fold


_OPERATIONS: dict[str, Callable[..., Fraction | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "neg": lambda a: -a,
    "^": _raise,
    "root": _root,
    "percent": lambda a: a / 100,
    "factorial": _factorial,
    "binom": _binomial,
    "abs": abs,
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
    "mod": lambda a, b: a % b,
    "max": max,
    "min": min,
    "gcd": _fold(math.gcd),
    "lcm": _fold(math.lcm),
}
