"""Whether two expressions say the same, by their structure; what scalars and real sets say is asked of a decider.

Verdicts have three values: True, False, and None for "not decided by these means". No False ever becomes True later.

    scalar                one value; several answers to it are wrong, whatever one of them is
    x = 3, x = y = 3      the same as 3; every side of an equation an answer gives must be right
    a set, a list         the same items in any order; a list and a tuple, the same items in the same order
    (1, 2)                a pair and an open interval, whatever the other side asks for
    equation, inequality  the same up to a constant factor; an inequality in one variable is a set of numbers
    a value with a unit   the same quantity; where one side names no unit, the same number (50% is also 0.5)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Protocol, TypeGuard

from reward_service.rewards.math.nodes import (
    Builder,
    Call,
    Collection,
    Interval,
    Matrix,
    Name,
    Node,
    Number,
    Quantity,
    Relation,
    Word,
)
from reward_service.rewards.math.units import PERCENT

Verdict = bool | None
_SETS = frozenset(["union", "intersection", "difference"])
_SET_NAMES = frozenset(["reals", "integers", "naturals", "rationals", "emptyset"])
_INFINITY = (Name("infinity"), Call("neg", (Name("infinity"),)))
_MAX_LETTERS = 4


class Decider(Protocol):
    """Decides what structure alone does not."""

    def scalars(self, answer: Node, reference: Node) -> Verdict:
        """Whether two scalars are equal."""

    def sets(self, answer: Node, reference: Node) -> Verdict:
        """Whether two sets of real numbers, given as intervals, unions or conditions, are equal."""

    def relations(self, answer: Relation, reference: Relation) -> Verdict:
        """Whether two equations or inequalities say the same."""


def same(answer: Node, reference: Node, decide: Decider) -> Verdict:
    """Whether `answer` says what `reference` says."""
    answer, reference = _shaped(answer), _shaped(reference)
    if answer == reference:
        return True
    if isinstance(answer, Word) or isinstance(reference, Word):
        return _same_words(answer, reference, decide)
    if isinstance(answer, Quantity) or isinstance(reference, Quantity):
        return _same_quantities(answer, reference, decide)
    if _is_set(answer) or _is_set(reference):
        return _same_sets(answer, reference, decide)
    if isinstance(answer, Relation) or isinstance(reference, Relation):
        return _same_relations(answer, reference, decide)
    if isinstance(answer, Collection) or isinstance(reference, Collection):
        return _same_collections(answer, reference, decide)
    if isinstance(answer, Matrix) or isinstance(reference, Matrix):
        return _same_matrices(answer, reference, decide)
    if _is_ratio(answer) or _is_ratio(reference):
        return _same_ratios(answer, reference, decide)
    return decide.scalars(answer, reference)


def every(verdicts: Iterable[Verdict]) -> Verdict:
    """False as soon as one is, else None if one is, else True."""
    result: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            result = None
    return result


def some(verdicts: Iterable[Verdict]) -> Verdict:
    """True as soon as one is, else None if one is, else False."""
    result: Verdict = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            result = None
    return result


def _shaped(node: Node) -> Node:
    """Write out plus-minus, read `[[1,2],[3,4]]` as a matrix and `[1, inf]` as open at infinity."""
    if isinstance(node, Call) and has_sign_choice(node):
        return Collection("list", (_choose(node, "+"), _choose(node, "-")))
    if isinstance(node, Collection) and any(has_sign_choice(item) for item in node.items):
        items = [choice for item in node.items for choice in _alternatives(item)]
        return replace(node, items=tuple(items))
    if isinstance(node, Relation) and has_sign_choice(node.sides[-1]) and node.operators == ("=",):
        sides = [(*node.sides[:-1], _choose(node.sides[-1], sign)) for sign in "+-"]
        return Collection("list", tuple(replace(node, sides=chosen) for chosen in sides))
    if isinstance(node, Interval):
        return _shaped_interval(node)
    if isinstance(node, Collection) and node.kind == "tuple" and (rows := _bracket_rows(node.items)):
        return Matrix(rows)
    return node


def _shaped_interval(node: Interval) -> Node:
    if rows := _bracket_rows((node.low, node.high)):
        return Matrix(rows)
    low, high = node.low_closed and node.low not in _INFINITY, node.high_closed and node.high not in _INFINITY
    return replace(node, low_closed=low, high_closed=high)


def _bracket_rows(items: Sequence[Node]) -> tuple[tuple[Node, ...], ...]:
    rows: list[tuple[Node, ...]] = []
    for item in items:
        if isinstance(item, Interval) and item.low_closed and item.high_closed:
            rows.append((item.low, item.high))
        elif isinstance(item, Collection) and item.kind == "tuple" and len(item.items) > 2:
            rows.append(item.items)
        else:
            return ()
    return tuple(rows) if len({len(row) for row in rows}) == 1 else ()


def has_sign_choice(node: Node) -> bool:
    """Whether a plus-minus stands somewhere in this scalar."""
    return isinstance(node, Call) and (node.function == "pm" or any(map(has_sign_choice, node.arguments)))


def _alternatives(item: Node) -> tuple[Node, ...]:
    return (_choose(item, "+"), _choose(item, "-")) if has_sign_choice(item) else (item,)


def _choose(node: Node, sign: str) -> Node:
    if not isinstance(node, Call):
        return node
    arguments = tuple(_choose(argument, sign) for argument in node.arguments)
    if node.function != "pm":
        return replace(node, arguments=arguments)
    if len(arguments) == 2:
        return Call(sign, arguments)
    return arguments[0] if sign == "+" else Call("neg", arguments)


def _same_words(answer: Node, reference: Node, decide: Decider) -> Verdict:
    if isinstance(answer, Word) and isinstance(reference, Word):
        return _letters(answer.text) == _letters(reference.text)
    word, other = (answer, reference) if isinstance(answer, Word) else (reference, answer)
    assert isinstance(word, Word)
    if word.text.isalpha() and len(word.text) <= _MAX_LETTERS and isinstance(other, Call):
        # `abc` is a product where the other side is written as one
        product: Node = Name(word.text[0])
        for letter in word.text[1:]:
            product = Call("*", (product, Name(letter)))
        return decide.scalars(product, other)
    return False


def _letters(text: str) -> str:
    return " ".join(text.casefold().replace(".", " ").split())


def _same_quantities(answer: Node, reference: Node, decide: Decider) -> Verdict:
    if isinstance(answer, Quantity) and isinstance(reference, Quantity):
        if answer.unit == reference.unit:
            return same(answer.value, reference.value, decide)
        if answer.unit.dimension != reference.unit.dimension:
            return False
        return same(_absolute(answer), _absolute(reference), decide)
    if isinstance(answer, Quantity):
        if answer.unit == PERCENT:
            return same(_absolute(answer), reference, decide)
        values = [answer.value] if answer.unit.dimension else [answer.value, _absolute(answer)]
        return some(same(value, reference, decide) for value in values)
    assert isinstance(reference, Quantity)
    values = [reference.value] if reference.unit.dimension else [reference.value, _absolute(reference)]
    return some(same(answer, value, decide) for value in values)


def _absolute(quantity: Quantity) -> Node:
    value, factor = quantity.value, quantity.unit.factor
    if isinstance(value, Collection):
        return replace(value, items=tuple(Call("*", (item, factor)) for item in value.items))
    return Call("*", (value, factor))


def _is_inequality(node: Node) -> bool:
    return isinstance(node, Relation) and any(sign in ("<", "<=", ">", ">=", "!=") for sign in node.operators)


def _is_set(node: Node) -> bool:
    if isinstance(node, Collection) and node.kind in ("list", "all"):
        return all(_is_inequality(item) or _is_set(item) for item in node.items)
    if isinstance(node, Relation) and node.operators == ("in",):
        return _is_set(node.sides[1])
    named = isinstance(node, Name) and node.name in _SET_NAMES
    return (
        named or isinstance(node, Interval | Builder) or (isinstance(node, Call) and node.function in _SETS)
    )


def _same_sets(answer: Node, reference: Node, decide: Decider) -> Verdict:
    answer, reference = _member_set(answer), _member_set(reference)
    if isinstance(answer, Interval) and isinstance(reference, Interval):
        if (answer.low_closed, answer.high_closed) != (reference.low_closed, reference.high_closed):
            return False
        pairs = ((answer.low, reference.low), (answer.high, reference.high))
        return every(same(*pair, decide) for pair in pairs)
    if all(
        _is_set(node) or _is_inequality(node) or isinstance(node, Collection) for node in (answer, reference)
    ):
        return decide.sets(answer, reference)
    return False


def _member_set(node: Node) -> Node:
    if isinstance(node, Relation) and node.operators == ("in",):
        node = node.sides[1]
    if isinstance(node, Collection) and node.kind == "tuple" and len(node.items) == 2:
        return _shaped(Interval(node.items[0], node.items[1], low_closed=False, high_closed=False))
    return node


def _is_plain_equation(relation: Relation) -> bool:
    return all(operator in ("=", "~", "in") for operator in relation.operators)


def _is_label(node: Node) -> bool:
    """Whether a side only names what the other sides tell: `x`, `f'(x)`, `p(x)`, `AB`, `(x, y)`, `Area`."""
    if isinstance(node, Collection):
        return node.kind == "tuple" and all(isinstance(item, Name) for item in node.items)
    if isinstance(node, Call):
        name = node.function.rstrip("'")
        return (len(name) == 1 and name.isalpha()) or _is_capitals(node) or _is_inverse(node)
    return isinstance(node, Name | Word)


def _is_inverse(node: Call) -> bool:
    """Whether it is `f^{-1}(x)`, which reads like a product."""
    function = node.arguments[0]
    minus_one = Call("neg", (Number(Fraction(1)),))
    return node.function == "*" and function in [Call("^", (Name(name), minus_one)) for name in "fgh"]


def _is_capitals(node: Node) -> bool:
    """Whether it is a product of capital letters, as a segment or an angle is named."""
    if isinstance(node, Call) and node.function == "*":
        return all(map(_is_capitals, node.arguments))
    return isinstance(node, Name) and len(node.name) == 1 and node.name.isupper()


def _sides(relation: Relation) -> tuple[Node, ...]:
    """The sides that state the value: without a leading label, without what is only approximate."""
    sides = [relation.sides[0]]
    for operator, side in zip(relation.operators, relation.sides[1:], strict=True):
        if operator != "~" or (_is_label(sides[0]) and len(sides) == 1):
            sides.append(side)
    return tuple(sides[1:]) if len(sides) > 1 and _is_label(sides[0]) else tuple(sides)


def _same_relations(answer: Node, reference: Node, decide: Decider) -> Verdict:
    if isinstance(answer, Relation) and isinstance(reference, Relation):
        if _is_inequality(answer) != _is_inequality(reference):
            return False
        if (
            answer.sides[0] == reference.sides[0]
            and _is_plain_equation(answer)
            and _is_plain_equation(reference)
        ):
            rest = answer.sides[1:] if answer.operators == ("=",) else _sides(answer)
            alike = _all_sides(rest, _sides(reference)[-1], decide)
            return alike if _is_label(answer.sides[0]) else some((alike, decide.relations(answer, reference)))
        return decide.relations(answer, reference)
    if isinstance(answer, Relation):
        if not _is_plain_equation(answer):
            return decide.sets(answer, reference) if isinstance(reference, Collection) else False
        return _all_sides(_sides(answer), reference, decide)
    assert isinstance(reference, Relation)
    if not _is_plain_equation(reference):
        return decide.sets(answer, reference) if isinstance(answer, Collection) else False
    if not _is_label(reference.sides[0]):
        return False
    return same(answer, _sides(reference)[-1], decide)


def _all_sides(sides: Sequence[Node], reference: Node, decide: Decider) -> Verdict:
    return every(same(side, reference, decide) for side in sides)


def _same_collections(answer: Node, reference: Node, decide: Decider) -> Verdict:
    if not isinstance(answer, Collection) or not isinstance(reference, Collection):
        return False
    kinds = {answer.kind, reference.kind}
    if "tuple" in kinds:
        if "set" in kinds or len(answer.items) != len(reference.items):
            return False
        pairs = zip(answer.items, reference.items, strict=True)
        return every(same(ours, theirs, decide) for ours, theirs in pairs)
    return _same_items(answer.items, reference.items, lambda ours, theirs: same(ours, theirs, decide))


def _same_items(
    answer: Sequence[Node], reference: Sequence[Node], equal: Callable[[Node, Node], Verdict]
) -> Verdict:
    """Each item has its equal on the other side, in any order."""
    table = [[equal(ours, theirs) for theirs in reference] for ours in answer]
    rows = every(some(row) for row in table)
    columns = every(some(column) for column in zip(*table, strict=True))
    return every((rows, columns))


def _same_matrices(answer: Node, reference: Node, decide: Decider) -> Verdict:
    if not isinstance(answer, Matrix) or not isinstance(reference, Matrix):
        return False
    if len(answer.rows) != len(reference.rows) or len(answer.rows[0]) != len(reference.rows[0]):
        return False
    cells = zip(sum(answer.rows, ()), sum(reference.rows, ()), strict=True)
    return every(same(ours, theirs, decide) for ours, theirs in cells)


def _is_ratio(node: Node) -> TypeGuard[Call]:
    return isinstance(node, Call) and node.function == "ratio"


def _same_ratios(answer: Node, reference: Node, decide: Decider) -> Verdict:
    """Ratios of three and more are equal where all their parts are in proportion: 2:4:6 is 1:2:3."""
    if not _is_ratio(answer) or not _is_ratio(reference) or len(answer.arguments) != len(reference.arguments):
        return False
    ours, theirs = (
        [Call("/", (part, node.arguments[0])) for part in node.arguments[1:]] for node in (answer, reference)
    )
    return every(decide.scalars(*pair) for pair in zip(ours, theirs, strict=True))


def within(answer: Fraction, reference: Fraction, tolerance: float | None) -> bool:
    """Whether two numbers agree: exactly, or within `tolerance` times the size of the reference."""
    if tolerance is None:
        return answer == reference
    return abs(answer - reference) <= Fraction(tolerance) * abs(reference)
