"""Units: what they measure and how large they are.

A unit ends the expression: `5 cm`, `5\\text{ cm}^2`, `60 km/h`, `90^\\circ`, `50\\%`, `12 \\text{ apples}`. Single letters in
plain text count as units only behind a space (`5 m`; `5m` is five times m). Other words are units of their own kind.
"""

from __future__ import annotations

import re
from fractions import Fraction

from reward_service.rewards.math.nodes import Call, Name, Number, Unit

_LENGTH, _MASS, _TIME, _MONEY = (("m", 1),), (("kg", 1),), (("s", 1),), (("dollar", 1),)
_VOLUME, _SPEED = (("m", 3),), (("m", 1), ("s", -1))
_Dimension = tuple[tuple[str, int], ...]

_TABLE: tuple[tuple[str, str, _Dimension], ...] = (
    ("m meter metre", "1", _LENGTH), ("cm centimeter centimetre", "1/100", _LENGTH),
    ("mm millimeter millimetre", "1/1000", _LENGTH), ("km kilometer kilometre", "1000", _LENGTH),
    ("inch inches", "0.0254", _LENGTH), ("ft foot feet", "0.3048", _LENGTH), ("yd yard", "0.9144", _LENGTH),
    ("mi mile", "1609.344", _LENGTH), ("kg kilogram", "1", _MASS), ("g gram gm", "1/1000", _MASS),
    ("mg milligram", "1/1000000", _MASS), ("lb lbs pound", "0.45359237", _MASS), ("oz ounce", "0.028349523125", _MASS),
    ("s sec second", "1", _TIME), ("ms millisecond", "1/1000", _TIME), ("min minute", "60", _TIME),
    ("h hr hour", "3600", _TIME), ("day", "86400", _TIME), ("week", "604800", _TIME),
    ("L l liter litre", "1/1000", _VOLUME), ("mL ml milliliter millilitre", "1/1000000", _VOLUME),
    ("mph", "0.44704", _SPEED), ("kmh kph", "5/18", _SPEED), ("dollar USD usd", "1", _MONEY),
    ("cent", "1/100", _MONEY), ("euro EUR", "1", (("euro", 1),)), ("N newton", "1", (("newton", 1),)),
    ("J joule", "1", (("joule", 1),)), ("W watt", "1", (("watt", 1),)), ("V volt", "1", (("volt", 1),)),
    ("Hz hertz", "1", (("s", -1),)), ("Pa pascal", "1", (("pascal", 1),)), ("K kelvin", "1", (("kelvin", 1),)),
    ("C", "1", (("celsius", 1),)), ("F", "1", (("fahrenheit", 1),)), ("rad radian", "1", ()),
    ("percent percentage pct", "1/100", ()), ("unit", "1", (("", 0),)),
)  # fmt: skip
_KNOWN = {
    name: (Fraction(factor), dimension) for names, factor, dimension in _TABLE for name in names.split()
}

DEGREE = Unit(Call("/", (Name("pi"), Number(Fraction(180)))), ())
PERCENT = Unit(Number(Fraction(1, 100)), ())
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3}
# a sentence that goes on is no unit
_NO_UNIT = frozenset([
    "and", "or", "if", "not", "is", "are", "was", "wrong", "incorrect", "correct", "false", "true", "except",
    "maybe", "perhaps", "possibly", "about", "approximately", "than", "when", "where", "while", "for", "unless",
    "but", "else", "either", "to", "until", "pi", "infinity", "the", "answer", "which",
])  # fmt: skip
_WORDS = re.compile(r"[A-Za-z]+")
_MAX_WORDS = 3


def known(name: str) -> bool:
    """Whether `name` is a unit of the table, singular or plural."""
    return name in _KNOWN or (name.endswith("s") and len(name) > 2 and name[:-1] in _KNOWN)


def read_unit(text: str, power: int = 1) -> Unit | None:
    """The unit that `text` names (`km/h`, `square feet`, `apples`), raised to `power`; None if it names none."""
    above, *below = re.split(r"\s*/\s*|\s+per\s+", text.strip().strip("."))
    if len(below) > 1:
        return None
    upper = _product(above, 1 if below else power)
    lower = _product(below[0], power) if below else (Fraction(1), ())
    if upper is None or lower is None:
        return None
    merged: dict[str, int] = dict(upper[1])
    for base, exponent in lower[1]:
        merged[base] = merged.get(base, 0) - exponent
    dimension = tuple(sorted((base, exponent) for base, exponent in merged.items() if exponent))
    return Unit(Number(upper[0] / lower[0]), dimension)


def _product(text: str, power: int) -> tuple[Fraction, _Dimension] | None:
    words = _WORDS.findall(text)
    if not words or len(words) > _MAX_WORDS or _NO_UNIT & {word.lower() for word in words}:
        return None
    if degrees := _degrees(words):
        return degrees
    for word in words:
        power *= _POWERS.get(word.lower(), 1)
    kind = [word for word in words if word.lower() not in _POWERS]
    if (len(kind) == 1 and known(kind[0])) or (
        len(kind) == 1 and known(kind[0].lower()) and len(kind[0]) > 2
    ):
        name = kind[0] if known(kind[0]) else kind[0].lower()
        factor, dimension = _KNOWN.get(name) or _KNOWN[name[:-1]]
        return factor**power, tuple((base, exponent * power) for base, exponent in dimension)
    label = " ".join(word.lower().removesuffix("s") for word in kind)
    return (Fraction(1), ((f"'{label}'", power),)) if label else None


def _degrees(words: list[str]) -> tuple[Fraction, _Dimension] | None:
    if words[0].lower() in ("degree", "degrees", "deg") and len(words) > 1:
        scale = words[1].lower()
        if scale in ("celsius", "c", "fahrenheit", "f"):
            return Fraction(1), (("celsius" if scale.startswith("c") else "fahrenheit", 1),)
    return None
