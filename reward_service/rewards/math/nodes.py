"""What an expression is once it is read: a tree of frozen nodes, without meaning beyond its shape."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal


@dataclass(frozen=True, slots=True)
class Number:
    """An exact rational number; decimals are exact too."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A variable or a constant: one letter (with its subscript), `pi`, `e`, `i`, `infinity`, `reals`."""

    name: str


@dataclass(frozen=True, slots=True)
class Word:
    """Text that is no mathematics: a word, a name, a time of day. Compared without case and white space."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator applied: `+ * / ^ neg ± sqrt sin union ...`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """A set in braces, a tuple in brackets, or several things listed without brackets ("all": joined by "and")."""

    kind: Literal["set", "tuple", "list", "all"]
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`. One with two round brackets is read as a tuple until something asks for an interval."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of equal length."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain such as `1 < x <= 2`: one more side than operators (`= != < <= > >= ~ in ==`)."""

    operators: tuple[str, ...]
    sides: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Builder:
    """`{ variable | condition }`."""

    variable: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as its factor to the base units and its dimension, such as (("m", 1), ("s", -1))."""

    factor: Node
    dimension: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with a unit."""

    value: Node
    unit: Unit


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is made of; none of a number, a name or a word."""
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Collection):
        return node.items
    if isinstance(node, Interval):
        return node.low, node.high
    if isinstance(node, Matrix):
        return tuple(cell for row in node.rows for cell in row)
    if isinstance(node, Relation):
        return node.sides
    if isinstance(node, Builder):
        return node.variable, node.condition
    return (node.value,) if isinstance(node, Quantity) else ()


Node = Number | Name | Word | Call | Collection | Interval | Matrix | Relation | Builder | Quantity
