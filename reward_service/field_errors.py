"""From pydantic's findings to one flat list of bad fields, each by its path in the request.

pydantic names the members of a union it tried (`items.0.reference.Boxes.boxes.0`); a client has never heard
of them. Here a location is walked along the document: what is no key of it is such a name. Of the members of
a union only the one that fits best speaks; where none fits, their expectations are joined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from reward_service.problems import FieldError

MAX_SHOWN = 60  # characters of a bad value that a message repeats
NO_FIELD = "unknown field"
_EXPECTED = "Input should be "
_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_UNTAGGED = frozenset({"union_tag_invalid", "union_tag_not_found"})


@dataclass(frozen=True, slots=True)
class _Step:
    """One element of a location: a key or an index of the document, or the name of a union's member."""

    name: int | str
    in_document: bool


@dataclass(frozen=True, slots=True)
class _Finding:
    steps: tuple[_Step, ...]
    expected: str
    came: str

    @property
    def depth(self) -> int:
        return sum(step.in_document for step in self.steps)


def field_errors(error: ValidationError, body: bytes) -> list[FieldError]:
    """List the bad fields of `body`, which is JSON, in the order of the document's walk."""
    document = from_json(body)
    findings = [_finding(detail, document) for detail in error.errors(include_url=False)]
    return [_as_field_error(finding) for finding in _without_members(findings)]


def path_of(keys: Sequence[int | str]) -> str:
    """Write keys and indices as a path: `items[17].reference.boxes[0]`; the document itself is `body`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.lstrip(".") or "body"


def describe(value: object) -> str:
    """Say in a few words what came: its JSON type and, shortened, its text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {_shortened(repr(value))}"
    if isinstance(value, int | float):
        return f"the number {_shortened(str(value))}"
    if isinstance(value, Mapping):
        return f"an object with {', '.join(map(repr, list(value)[:6])) or 'no fields'}"
    return f"a list of {len(value)}" if isinstance(value, Sequence) else type(value).__name__


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _finding(detail: ErrorDetails, document: object) -> _Finding:
    kind = detail["type"]
    steps = _steps(detail["loc"], document, ends_in_missing_key=kind == "missing")
    if kind in _UNTAGGED:
        steps += (_Step("task", True),)
        given = detail["input"]
        came = describe(given.get("task")) if isinstance(given, Mapping) and "task" in given else "nothing"
        return _Finding(
            steps, f"one of {', '.join(sorted(_tags(detail)))}" if _tags(detail) else "a task", came
        )
    if kind == "missing":
        return _Finding(steps, "a value", "nothing")
    if kind in _UNKNOWN:
        return _Finding(steps, NO_FIELD, describe(detail["input"]))
    return _Finding(steps, _expectation(detail), describe(detail["input"]))


def _expectation(detail: ErrorDetails) -> str:
    limits = detail.get("ctx", {})
    if detail["type"] == "too_short":
        return f"at least {limits['min_length']} entries"
    if detail["type"] == "too_long":
        return f"at most {limits['max_length']} entries"
    return detail["msg"].removeprefix(_EXPECTED)


def _tags(detail: ErrorDetails) -> list[str]:
    return [
        tag.strip().strip("'")
        for tag in str(detail.get("ctx", {}).get("expected_tags", "")).split(",")
        if tag
    ]


def _steps(
    location: tuple[int | str, ...], document: object, *, ends_in_missing_key: bool
) -> tuple[_Step, ...]:
    node, steps = document, []
    for position, name in enumerate(location):
        last = position == len(location) - 1
        inside = (isinstance(node, Mapping) and name in node) or (
            isinstance(node, list) and isinstance(name, int)
        )
        if inside:
            node = node[name]  # type: ignore[index]  # checked one line above
        steps.append(_Step(name, inside or (last and ends_in_missing_key)))
    return tuple(steps)


def _without_members(findings: Sequence[_Finding]) -> list[_Finding]:
    """Resolve the outermost union of each finding, then the next inside, until no member's name is left."""
    unions: dict[tuple[_Step, ...], dict[int | str, list[_Finding]]] = {}
    for finding in findings:
        cut = next((i for i, step in enumerate(finding.steps) if not step.in_document), len(finding.steps))
        member = finding.steps[cut].name if cut < len(finding.steps) else ""
        rest = replace(finding, steps=finding.steps[:cut] + finding.steps[cut + 1 :])
        key = finding.steps[:cut] if member else finding.steps
        unions.setdefault(key, {}).setdefault(member, []).append(rest)
    resolved: list[_Finding] = []
    for place, members in unions.items():
        if set(members) == {""}:
            resolved += members[""]
        else:
            resolved += _without_members(_best_member(place, list(members.values())))
    return resolved


def _best_member(place: tuple[_Step, ...], members: Sequence[list[_Finding]]) -> list[_Finding]:
    """The findings of the member whose shape reached deepest into the value, fewest findings first."""
    best = max(members, key=lambda each: (max(finding.depth for finding in each), -len(each)))
    if len(members) == 1 or max(finding.depth for finding in best) > len(place):
        return best
    expected = list(dict.fromkeys(finding.expected for member in members for finding in member))
    return [replace(best[0], expected=" or ".join(expected))]


def _as_field_error(finding: _Finding) -> FieldError:
    unknown = finding.expected == NO_FIELD
    message = NO_FIELD if unknown else f"expected {finding.expected}, got {finding.came}"
    return FieldError(path_of([step.name for step in finding.steps]), message)
