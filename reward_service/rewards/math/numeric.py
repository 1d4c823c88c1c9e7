"""Evaluate a scalar at a point with 60 digits. It refutes equality; it never proves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from mpmath.ctx_mp import MPContext

from reward_service.rewards.math.exact import rational
from reward_service.rewards.math.limits import MAX_TERMS, TooLarge, Unreadable
from reward_service.rewards.math.nodes import Call, Name, Node, Number

DIGITS = 60
# what is left of DIGITS after cancellation: two values further apart than this are different
AGREE = 45
_MAX_MAGNITUDE = 10**7

Value = Any  # a real or complex number of mpmath, which has no types
_MP = MPContext()
_MP.dps = DIGITS


class Undefined(Unreadable):
    """The expression has no value at this point, or holds something that is no scalar function."""


def names(node: Node) -> frozenset[str]:
    """The variables of a scalar."""
    if isinstance(node, Name):
        return frozenset() if node.name in _CONSTANTS else frozenset((node.name,))
    if isinstance(node, Call):
        if node.function in ("sum", "prod"):
            return frozenset().union(*map(names, node.arguments)) - names(node.arguments[1])
        return frozenset().union(*map(names, node.arguments))
    return frozenset()


def evaluate(node: Node, point: Mapping[str, Value]) -> Value:
    """The value of `node` where its variables are as in `point`. Raises Undefined, TooLarge."""
    if isinstance(node, Number):
        return _MP.mpf(node.value.numerator) / node.value.denominator
    if isinstance(node, Name):
        if node.name in point:
            return point[node.name]
        if node.name in _CONSTANTS:
            return _CONSTANTS[node.name]()
        raise Undefined(f"{node.name} has no value")
    if not isinstance(node, Call):
        raise Undefined("this is no scalar")
    if node.function in ("sum", "prod"):
        return _series(node, point)
    if node.function == "base":
        return evaluate(Number(rational(node) or _undefined()), point)
    exponent = _exponent(node)
    operation = _OPERATIONS.get(node.function)
    if operation is None:
        raise Undefined(f"the function {node.function} is not evaluated")
    values = [evaluate(argument, point) for argument in node.arguments]
    try:
        result = _MP.mpmathify(operation(*values) if exponent is None else _raised(values[0], exponent))
    except Unreadable:
        raise
    except (ArithmeticError, ValueError, TypeError, NotImplementedError) as error:
        raise Undefined(f"no value at this point: {error}") from None
    if not _MP.isfinite(result):
        raise Undefined("no finite value at this point")
    return result


def _exponent(node: Call) -> Fraction | None:
    """The exponent of a power or root that is a rational number."""
    if node.function not in ("^", "root"):
        return None
    value = rational(node.arguments[1])
    if value is None or node.function == "^":
        return value
    return 1 / value if value else None


def differ(left: Value, right: Value) -> bool:
    """Whether two values are certainly different."""
    scale = max(_MP.one, abs(left), abs(right))
    return bool(abs(left - right) > scale * _MP.mpf(10) ** -AGREE)


def points(variables: frozenset[str]) -> list[dict[str, Value]]:
    """Where expressions are compared: a few fixed points that satisfy no simple identity, of either sign."""
    if not variables:
        return [{}]
    seeds = ("0.7390851332151606", "1.9021605831040632", "-0.6180314159265358", "2.6854520010653064")
    ordered = sorted(variables)
    return [
        {name: _MP.mpf(seed) * (1 + _MP.mpf(index) * 7 / 19) for index, name in enumerate(ordered)}
        for seed in seeds
    ]


def series_range(node: Call, point: Mapping[str, Value]) -> range:
    """The values the variable of a sum or product runs through. Raises Undefined, TooLarge."""
    start, end = (evaluate(bound, point) for bound in node.arguments[2:4])
    if _MP.im(start) or _MP.im(end) or not _MP.isint(start) or not _MP.isint(end):
        raise Undefined("the bounds of a sum are no integers")
    if end - start >= MAX_TERMS:
        raise TooLarge(f"a sum or product of more than {MAX_TERMS} terms")
    return range(int(start), int(end) + 1)


def _series(node: Call, point: Mapping[str, Value]) -> Value:
    body, variable = node.arguments[:2]
    assert isinstance(variable, Name)
    terms = [evaluate(body, {**point, variable.name: _MP.mpf(k)}) for k in series_range(node, point)]
    return _MP.fsum(terms) if node.function == "sum" else _MP.fprod(terms)


def _undefined() -> Any:
    raise Undefined("no value")


def _power(base: Value, exponent: Value) -> Value:
    if abs(exponent) > _MAX_MAGNITUDE or (base != 0 and abs(exponent * _MP.log(base)) > _MAX_MAGNITUDE):
        raise TooLarge("a power is too large to compute")
    if base == 0 and exponent == 0:
        raise Undefined("0 to the power 0")
    return base**exponent


def _raised(base: Value, exponent: Fraction) -> Value:
    """A rational power; the real one where there is one: (-8)^(1/3) is -2."""
    if exponent.denominator % 2 and not _MP.im(base) and _MP.re(base) < 0:
        sign = -1 if exponent.numerator % 2 else 1
        return sign * _power(-base, _MP.mpf(exponent.numerator) / exponent.denominator)
    return _power(base, _MP.mpf(exponent.numerator) / exponent.denominator)


def _bounded(function: Callable[..., Value]) -> Callable[..., Value]:
    def bounded(*values: Value) -> Value:
        if any(abs(value) > _MAX_MAGNITUDE for value in values):
            raise TooLarge("an argument is too large to compute with")
        return function(*values)

    return bounded


def _real(function: Callable[..., Value]) -> Callable[..., Value]:
    def real(*values: Value) -> Value:
        if any(_MP.im(value) for value in values):
            raise Undefined("defined for real numbers only")
        return function(*(_MP.re(value) for value in values))

    return real


_CONSTANTS: dict[str, Callable[[], Value]] = {
    "pi": lambda: +_MP.pi,
    "e": lambda: +_MP.e,
    "i": lambda: _MP.j,
}
_OPERATIONS: dict[str, Callable[..., Value]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "neg": lambda a: -a, "^": _power, "root": lambda a, b: _power(a, 1 / b), "percent": lambda a: a / 100,
    "degree": lambda a: a * _MP.pi / 180, "abs": abs, "floor": _real(_bounded(_MP.floor)),
    "ceil": _real(_bounded(_MP.ceil)), "max": _real(max), "min": _real(min), "mod": _real(lambda a, b: a % b),
    "factorial": _bounded(_MP.factorial), "binom": _bounded(_MP.binomial),
    "exp": _bounded(_MP.exp), "ln": _MP.log, "log": lambda a, b=10: _MP.log(a) / _MP.log(b),
    "lg": lambda a: _MP.log(a) / _MP.log(10),
    **{name: _bounded(getattr(_MP, name)) for name in (
        "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "acot", "asec", "acsc", "sinh", "cosh", "tanh",
        "coth", "asinh", "acosh", "atanh")},
}  # fmt: skip
