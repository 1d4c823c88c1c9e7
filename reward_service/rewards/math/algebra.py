"""From nodes to sympy, and what sympy can prove. Only in a worker process: any of this may take for ever.

Nothing here hands text to sympy except the names of variables and functions.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from reward_service.rewards.math.exact import rational
from reward_service.rewards.math.limits import MAX_BITS, MAX_EXPONENT, MAX_FACTORIAL, TooLarge, Unreadable
from reward_service.rewards.math.nodes import (
    Builder,
    Call,
    Collection,
    Interval,
    Name,
    Node,
    Number,
    Quantity,
    Relation,
)
from reward_service.rewards.math.numeric import series_range

Expression = Any  # sympy has no types
# what sympy raises when it cannot do something: it gives up, which proves nothing
GIVES_UP = (
    ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError,
    sympy.polys.polyerrors.BasePolynomialError,
)  # fmt: skip

_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "infinity": sympy.oo}
_SETS = {
    "reals": sympy.S.Reals,
    "integers": sympy.S.Integers,
    "naturals": sympy.S.Naturals,
    "rationals": sympy.S.Rationals,
    "emptyset": sympy.S.EmptySet,
}
_RELATIONS = {"=": sympy.Eq, "!=": sympy.Ne, "<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge}
_RELATION_SIGNS = {"=": "==", **{sign: sign for sign in ("!=", "<", "<=", ">", ">=")}}


def scalar(node: Node) -> Expression:
    """`node` as a sympy expression in real variables. Raises Unreadable where it is no scalar, TooLarge."""
    value = rational(node)
    if value is not None:
        return sympy.Rational(value.numerator, value.denominator)
    if isinstance(node, Name):
        if node.name in _SETS:
            raise Unreadable("a set where a number belongs")
        return _CONSTANTS[node.name] if node.name in _CONSTANTS else sympy.Symbol(node.name, real=True)
    if isinstance(node, Quantity):
        return scalar(node.value) * scalar(node.unit.factor)
    if not isinstance(node, Call) or node.function == "base":
        raise Unreadable("this is no scalar")
    if node.function in ("sum", "prod"):
        return _series(node)
    arguments = [scalar(argument) for argument in node.arguments]
    operation = _OPERATIONS.get(node.function)
    return operation(*arguments) if operation else sympy.Function(node.function)(*arguments)


def _series(node: Call) -> Expression:
    body, variable = node.arguments[:2]
    terms = [scalar(_replaced(body, variable, Number(Fraction(k)))) for k in series_range(node, {})]
    return sympy.Add(*terms) if node.function == "sum" else sympy.Mul(*terms)


def _replaced(node: Node, variable: Node, value: Node) -> Node:
    if node == variable:
        return value
    if isinstance(node, Call):
        return Call(node.function, tuple(_replaced(argument, variable, value) for argument in node.arguments))
    return node


def _power(base: Expression, exponent: Expression) -> Expression:
    if exponent.is_Rational:
        if base.is_Rational and base not in (0, 1, -1):
            size = max(abs(base.p), base.q).bit_length() * abs(exponent)
            if size > MAX_BITS:
                raise TooLarge("a power is too large to compute")
        elif abs(exponent) > MAX_EXPONENT and not base.is_Rational:
            raise TooLarge(f"an exponent beyond {MAX_EXPONENT}")
    return base**exponent


def _root(value: Expression, degree: Expression) -> Expression:
    if degree.is_Integer and degree % 2 == 1 and value.is_number:
        return sympy.real_root(value, degree)
    return _power(value, 1 / degree)


def _small(function: Callable[..., Expression]) -> Callable[..., Expression]:
    def small(*arguments: Expression) -> Expression:
        if any(argument.is_number and abs(argument) > MAX_FACTORIAL for argument in arguments):
            raise TooLarge(f"a factorial or binomial beyond {MAX_FACTORIAL}")
        return function(*arguments)

    return small


_OPERATIONS: dict[str, Callable[..., Expression]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "neg": lambda a: -a,
    "^": _power,
    "root": _root,
    "percent": lambda a: a / 100,
    "degree": lambda a: a * sympy.pi / 180,
    "abs": sympy.Abs,
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "max": sympy.Max,
    "min": sympy.Min,
    "mod": sympy.Mod,
    "factorial": _small(sympy.factorial),
    "binom": _small(sympy.binomial),
    "exp": sympy.exp,
    "ln": sympy.log,
    "log": lambda a, b=10: sympy.log(a, b),
    "lg": lambda a: sympy.log(a, 10),
    **{
        name: getattr(sympy, name)
        for name in (
            "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "acot", "asec", "acsc", "sinh", "cosh",
            "tanh", "coth", "asinh", "acosh", "atanh",
        )
    },
}  # fmt: skip


def is_zero(difference: Expression) -> bool:
    """Whether sympy proves that `difference` is 0. False means "not proven"."""
    if difference == 0:
        return True
    if difference.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        return False
    return any(_reduces(step, difference) for step in _STEPS)


def _reduces(step: Callable[[Expression], Expression], difference: Expression) -> bool:
    try:
        return bool(step(difference) == 0)
    except GIVES_UP:
        return False


def _algebraic(difference: Expression) -> Expression:
    """The number itself when it is algebraic with the minimal polynomial x, which only 0 has."""
    if difference.free_symbols or not difference.is_algebraic:
        return difference
    variable = sympy.Dummy("x")
    return sympy.Integer(0) if sympy.minimal_polynomial(difference, variable) == variable else difference


_STEPS: tuple[Callable[[Expression], Expression], ...] = (
    sympy.expand,
    lambda difference: sympy.cancel(sympy.together(difference)),
    lambda difference: sympy.radsimp(sympy.sqrtdenest(difference)),
    _algebraic,
    lambda difference: sympy.trigsimp(sympy.expand_trig(sympy.expand(difference, complex=False))),
    lambda difference: sympy.expand(sympy.expand_log(difference.rewrite(sympy.exp), force=False)),
    sympy.simplify,
    lambda difference: sympy.simplify(sympy.expand_func(difference.rewrite(sympy.log))),
)


def ratio(answer: Relation, reference: Relation) -> Expression | None:
    """The constant c != 0 with (left - right of the answer) = c (left - right of the reference), if there is one."""
    ours = scalar(answer.sides[0]) - scalar(answer.sides[1])
    theirs = scalar(reference.sides[0]) - scalar(reference.sides[1])
    if is_zero(theirs):
        return None
    quotient = sympy.simplify(ours / theirs)
    return quotient if quotient.is_number and quotient.is_finite and quotient.is_zero is False else None


def real_set(node: Node) -> Expression:
    """A set of real numbers as sympy's. Raises Unreadable where it is none or has parameters."""
    if isinstance(node, Interval):
        return _interval(node)
    if isinstance(node, Name) and node.name in _SETS:
        return _SETS[node.name]
    if isinstance(node, Builder):
        return real_set(node.condition)
    if isinstance(node, Relation):
        return _solutions(node)
    if isinstance(node, Call) and node.function in _SET_OPERATIONS:
        return _SET_OPERATIONS[node.function](*map(real_set, node.arguments))
    if isinstance(node, Collection):
        return _collected(node)
    raise Unreadable("this is no set of numbers")


_SET_OPERATIONS: dict[str, Callable[..., Expression]] = {
    "union": sympy.Union,
    "intersection": sympy.Intersection,
    "difference": lambda left, right: left - right,
}


def _collected(node: Collection) -> Expression:
    if node.kind == "tuple" and len(node.items) == 2:
        return _interval(Interval(node.items[0], node.items[1], low_closed=False, high_closed=False))
    if node.kind == "set":
        return sympy.FiniteSet(*map(scalar, node.items))
    if node.kind == "tuple":
        raise Unreadable("a tuple is no set")
    sets = [real_set(item) for item in node.items]
    return sympy.Intersection(*sets) if node.kind == "all" else sympy.Union(*sets)


def _interval(node: Interval) -> Expression:
    low, high = scalar(node.low), scalar(node.high)
    if low.free_symbols or high.free_symbols:
        raise Unreadable("an interval with parameters")
    return sympy.Interval(low, high, not node.low_closed, not node.high_closed)


def _solutions(node: Relation) -> Expression:
    """The numbers for which a chain in one variable holds; every link is a polynomial relation."""
    if node.operators == ("in",):
        return real_set(node.sides[1])
    links = zip(node.operators, node.sides, node.sides[1:], strict=False)
    return sympy.Intersection(*(_link(sign, scalar(left), scalar(right)) for sign, left, right in links))


def _link(sign: str, left: Expression, right: Expression) -> Expression:
    if sign not in _RELATION_SIGNS:
        raise Unreadable(f"the relation {sign} has no solutions")
    if right in (sympy.oo, -sympy.oo) or left in (sympy.oo, -sympy.oo):
        holds = bool(
            _RELATIONS[sign](sympy.Integer(0), right) if right.is_infinite else _RELATIONS[sign](left, 0)
        )
        return sympy.S.Reals if holds else sympy.S.EmptySet
    difference = sympy.together(left - right)
    if len(difference.free_symbols) != 1:
        raise Unreadable("a condition on more than one variable")
    (variable,) = difference.free_symbols
    if not difference.is_polynomial(variable):
        return sympy.solve_univariate_inequality(_RELATIONS[sign](left, right), variable, relational=False)
    polynomial = sympy.Poly(difference, variable)
    return sympy.Union(*sympy.solve_poly_inequality(polynomial, _RELATION_SIGNS[sign]))
