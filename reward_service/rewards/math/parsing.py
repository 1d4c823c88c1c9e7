"""Read one expression, LaTeX or plain, into nodes. Precedence climbing, linear time, nothing is ever evaluated.

An own reader because the one library there is (latex2sympy2_extended 1.11) hands numerals to `sympify`, which evaluates
text; reads `2(3)` as 5, `cat` as a product and `e^{i\\pi}` without the imaginary unit; and needs milliseconds. Reading
without sympy also tells in the serving process, at once, whether a reference means anything.

How tight things bind, loosest first: lists (`,` `;` and, or), relations, union, intersection, sum and difference,
product (also unwritten, left to right: 1/2x is (1/2)x), sign, power, factorial and percent.
"""

from __future__ import annotations

import re
from fractions import Fraction

from reward_service.rewards.math.limits import MAX_DEPTH, MAX_ITEMS, TooLarge, Unreadable
from reward_service.rewards.math.nodes import (
    Builder,
    Call,
    Collection,
    Interval,
    Matrix,
    Name,
    Node,
    Number,
    Relation,
    Word,
)
from reward_service.rewards.math.tokens import Commas, Token, tokenize

_RELATIONS = frozenset(["=", "!=", "<", "<=", ">", ">=", "~", "in", "=="])
_SEPARATORS = frozenset([",", ";", "and", "or"])
# left binding powers
_INFIX = {
    "pmod": 5,
    "choose": 5,
    "union": 10,
    "difference": 10,
    "intersection": 12,
    "+": 20,
    "-": 20,
    "pm": 20,
    "mod": 25,
    "*": 30,
    "/": 30,
    ":": 30,
}
_PRODUCT, _SIGNED, _POWER, _POSTFIX = 30, 35, 40, 50
_CLOSING = {"(": ")", "[": "]", "\\{": "\\}", "{": "}", "<<": ">>"}
_STARTS = frozenset(["(", "[", "\\{", "{", "<<", "|", "frac", "lfloor", "lceil", "begin", "sum", "prod"])
_APPLIED = frozenset("fgh")
_OPEN_LISTS = frozenset(["max", "min", "gcd", "lcm"])
_INVERSE = re.compile(r"arc|ar(?=s|c|t)")


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0
        self.no_bar = False
        self.conjunctive = False

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def is_sign(self, *signs: str) -> bool:
        return self.next.kind == "sign" and self.next.text in signs

    def advance(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, *signs: str) -> bool:
        if self.is_sign(*signs):
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise Unreadable(f"expected {sign!r}, got {self.next.text or 'the end'!r}")

    def listing(self) -> tuple[Node, ...]:
        """Items up to something that separates nothing; "and" or "or" may follow a comma."""
        items = [self.relation()]
        while self.is_sign(*_SEPARATORS):
            self.conjunctive |= self.advance().text == "and" or self.is_sign("and")
            self.accept("and", "or")
            if len(items) >= MAX_ITEMS:
                raise TooLarge(f"a list has more than {MAX_ITEMS} items")
            items.append(self.relation())
        return tuple(items)

    def relation(self) -> Node:
        sides, operators = [self.expression(0)], []
        while self.is_sign(*_RELATIONS):
            operators.append(self.advance().text)
            sides.append(self.expression(0))
        return Relation(tuple(operators), tuple(sides)) if operators else sides[0]

    def expression(self, binding: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge(f"the expression is nested deeper than {MAX_DEPTH}")
        left = self.prefix()
        while (grown := self.grow(left, binding)) is not None:
            left = grown
        self.depth -= 1
        return left

    def grow(self, left: Node, binding: int) -> Node | None:
        """`left` with the next operator applied to it, None if that binds no tighter than `binding`."""
        sign = self.next.text if self.next.kind == "sign" else ""
        if sign == "^" and binding < _POWER:
            return self.power(left)
        if sign in ("!", "%", "circ") and binding < _POSTFIX:
            self.advance()
            return Call({"!": "factorial", "%": "percent", "circ": "degree"}[sign], (left,))
        if sign in _INFIX and (strength := _INFIX[sign]) > binding:
            if sign == ":" and self.no_bar:
                return None
            self.advance()
            if sign == ":" and isinstance(left, Word):
                raise Unreadable("a word is no part of a ratio")
            return self.joined(sign, left, self.expression(strength))
        if binding < _PRODUCT and (self.starts_factor() or self.follows_factorial(left)):
            return self.unwritten_product(left)
        return None

    def joined(self, sign: str, left: Node, right: Node) -> Node:
        """Two operands with the operator between; `1:2` is a quotient, `1:2:3` is none."""
        if sign == ":" and self.is_sign(":"):
            parts = [left, right]
            while self.accept(":"):
                parts.append(self.expression(_PRODUCT))
            return Call("ratio", tuple(parts))
        return Call({":": "/", "choose": "binom"}.get(sign, sign), (left, right))

    def power(self, base: Node) -> Node:
        self.expect("^")
        if self.is_sign("circ"):
            self.advance()
            return Call("degree", (base,))
        if self.is_sign("{") and self.tokens[self.at + 1].text == "circ":
            self.at += 2
            self.expect("}")
            return Call("degree", (base,))
        exponent = self.expression(_SIGNED) if not self.is_sign("{") else self.group()
        return Call("^", (base, exponent))

    def starts_factor(self) -> bool:
        token = self.next
        if token.kind == "sign":
            return token.text in _STARTS and not (token.text == "|" and self.no_bar)
        return token.kind in ("name", "function")

    def follows_factorial(self, left: Node) -> bool:
        """Whether a number stands behind `3!`, where it can only be a factor: `3!3!`."""
        return self.next.kind == "number" and isinstance(left, Call) and left.function == "factorial"

    def unwritten_product(self, left: Node) -> Node:
        if isinstance(left, Word):
            raise Unreadable("a word is no factor")
        mixed = isinstance(left, Number) and left.value.denominator == 1 and self.is_sign("frac")
        right = self.expression(_PRODUCT)
        if mixed and isinstance(right, Call) and right.function == "/":
            top, bottom = right.arguments
            if isinstance(top, Number) and isinstance(bottom, Number) and 0 < top.value < bottom.value:
                return Call("+", (left, right))
        return Call("*", (left, right))

    def prefix(self) -> Node:
        token = self.advance()
        if token.kind == "number":
            return self.numeral(token)
        if token.kind == "name":
            return self.name(token)
        if token.kind == "word":
            return Word(token.text)
        if token.kind == "function":
            return self.function(token.text)
        if token.text in ("-", "+"):
            argument = self.expression(_SIGNED)
            if isinstance(argument, Number) and self.is_sign("frac"):
                argument = self.unwritten_product(argument)  # the sign of a mixed number belongs to all of it
            return Call("neg", (argument,)) if token.text == "-" else argument
        if token.text == "pm":
            return Call("pm", (self.expression(_SIGNED),))
        if token.text == "frac":
            return Call("/", (self.argument(), self.argument()))
        if token.text in ("sum", "prod"):
            return self.series(token.text)
        return self.bracketed(token)

    def numeral(self, token: Token) -> Node:
        if self.next.kind == "number":
            raise Unreadable("two numbers stand side by side")
        if self.accept("_"):
            return Call("base", (Word(token.text), self.argument()))
        return Number(token.value)

    def name(self, token: Token) -> Node:
        name = token.text
        if self.accept("_"):
            start = self.at
            self.argument()
            name += "_" + "".join(part.text for part in self.tokens[start : self.at]).strip("{}")
        while self.accept("'"):
            name += "'"
        if self.is_sign("(") and (name.rstrip("'") in _APPLIED or self.defines()):
            self.advance()
            arguments = self.listing()
            self.expect(")")
            return Call(name, arguments)
        return Name(name)

    def defines(self) -> bool:
        """Whether a variable in brackets and an equals sign follow, as in `p(x) = ...`."""
        _, variable, closing, equals = (*self.tokens[self.at : self.at + 4], *self.tokens[-1:] * 3)[:4]
        return variable.kind == "name" and (closing.text, equals.text) == (")", "=")

    def argument(self) -> Node:
        """What a command takes: a group, or one token (`\\frac12` is one half)."""
        if self.is_sign("{"):
            return self.group()
        token = self.advance()
        if token.kind == "number" and len(token.text) > 1 and token.text.isdigit():
            rest = Token("number", token.text[1:], value=Fraction(int(token.text[1:])))
            self.at -= 1
            self.tokens[self.at] = rest
            return Number(Fraction(int(token.text[0])))
        if token.kind == "number":
            return Number(token.value)
        if token.kind == "name":
            return Name(token.text)
        if token.kind == "function" or token.text in ("frac", "-"):
            self.at -= 1
            return self.expression(_POWER)
        if token.text == "(":
            self.at -= 1
            return self.prefix()
        raise Unreadable(f"expected what belongs to a command, got {token.text or 'the end'!r}")

    def group(self) -> Node:
        self.expect("{")
        no_bar, self.no_bar = self.no_bar, False
        inner = self.expression(0)
        self.expect("}")
        self.no_bar = no_bar
        return inner

    def function(self, name: str) -> Node:
        if name == "binom":
            return Call("binom", (self.argument(), self.argument()))
        if name in ("sqrt", "cbrt"):
            return self.root(Number(Fraction(3 if name == "cbrt" else 2)))
        exponent = self.raised()
        base = self.argument() if name == "log" and self.accept("_") else None
        exponent = exponent or self.raised()
        if name in _OPEN_LISTS or self.is_sign("("):
            self.expect("(")
            arguments = self.listing()
            self.expect(")")
        else:
            arguments = (self.bare_argument(),)
        name = _INVERSE.sub("a", name)
        if isinstance(exponent, Number) and exponent.value == -1:
            name, exponent = "a" + name, None
        node = Call(name, (*arguments, base) if base is not None else arguments)
        return Call("^", (node, exponent)) if exponent is not None else node

    def bare_argument(self) -> Node:
        """What follows a function without brackets: `2x` in `\\sin 2x`; it ends at any written operator."""
        argument = self.expression(_PRODUCT)
        while self.next.kind == "name" or self.is_sign("frac"):
            argument = Call("*", (argument, self.expression(_PRODUCT)))
        return argument

    def raised(self) -> Node | None:
        if not self.accept("^"):
            return None
        if self.accept("-"):
            return Call("neg", (self.argument(),))
        exponent = self.argument()
        if (
            isinstance(exponent, Call)
            and exponent.function == "neg"
            and exponent.arguments == (Number(Fraction(1)),)
        ):
            return Number(Fraction(-1))
        return exponent

    def root(self, degree: Node) -> Node:
        if self.accept("["):
            degree = self.expression(0)
            self.expect("]")
        return Call("root", (self.argument(), degree))

    def series(self, name: str) -> Node:
        self.expect("_")
        self.expect("{")
        variable, start = self.expression(0), None
        if self.accept("="):
            start = self.expression(0)
        self.expect("}")
        self.expect("^")
        end = self.argument()
        if start is None or not isinstance(variable, Name):
            raise Unreadable("a sum needs a variable and its first value")
        return Call(name, (self.expression(_PRODUCT - 1), variable, start, end))

    def bracketed(self, token: Token) -> Node:
        if token.text == "|":
            outer, self.no_bar = self.no_bar, True
            inner = self.expression(0)
            self.no_bar = outer
            self.expect("|")
            return Call("abs", (inner,))
        if token.text in ("lfloor", "lceil"):
            inner = self.expression(0)
            self.expect("r" + token.text[1:])
            return Call(token.text[1:], (inner,))
        if token.text == "begin":
            return self.matrix()
        if token.text in ("\\{", "{"):
            return self.braces(_CLOSING[token.text])
        if token.text in ("(", "[", "<<"):
            return self.brackets(token.text)
        raise Unreadable(f"expected a value, got {token.text or 'the end'!r}")

    def braces(self, closing: str) -> Node:
        if self.accept(closing):
            return Name("emptyset")
        outer, self.no_bar = self.no_bar, True
        items = self.listing()
        self.no_bar = outer
        if len(items) == 1 and self.accept("|", ":"):
            conditions = self.listing()
            self.expect(closing)
            condition = conditions[0] if len(conditions) == 1 else Collection("list", conditions)
            return Builder(items[0], condition)
        self.expect(closing)
        # plain braces around one thing only group it
        return items[0] if closing == "}" and len(items) == 1 else Collection("set", items)

    def brackets(self, opening: str) -> Node:
        outer, self.no_bar = self.no_bar, False
        items = self.listing()
        self.no_bar = outer
        closing = self.advance().text
        if closing not in (")", "]", ">>") or (opening == "<<") != (closing == ">>"):
            raise Unreadable(f"expected {_CLOSING[opening]!r}, got {closing or 'the end'!r}")
        if len(items) == 2 and opening + closing not in ("()", "<<>>"):
            return Interval(items[0], items[1], opening == "[", closing == "]")
        if len(items) == 1 and opening + closing in ("()", "[]"):
            return items[0]
        if opening + closing in ("(]", "[)"):
            raise Unreadable("the brackets do not match")
        return Collection("tuple", items)

    def matrix(self) -> Node:
        rows: list[tuple[Node, ...]] = []
        while not self.is_sign("end"):
            row = [self.expression(0)]
            while self.accept("&"):
                row.append(self.expression(0))
            rows.append(tuple(row))
            if not self.accept("\\\\"):
                break
        self.expect("end")
        if len({len(row) for row in rows}) != 1 or len(rows) > MAX_ITEMS or len(rows[0]) > MAX_ITEMS:
            raise Unreadable("the rows of a matrix must have one length")
        return Matrix(tuple(rows))


def parse(text: str, commas: Commas = "group") -> Node:
    """The one node of `text` (see notation.plain). Raises Unreadable, TooLarge beyond a cap."""
    parser = _Parser(tokenize(text, commas))
    items = parser.listing()
    if parser.next.kind != "end":
        raise Unreadable(f"{parser.next.text!r} does not belong to the expression")
    return items[0] if len(items) == 1 else Collection("all" if parser.conjunctive else "list", items)
