"""Errors of a whole request, as RFC 9457 problem details.

Each kind is one line of the table `KINDS`; `Problem` is what routes and the engine raise, and `respond` is
the one place where it becomes an answer. Nothing was scored when a problem is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import orjson
from starlette.responses import Response

Kind = Literal[
    "malformed-json",
    "unauthorised",
    "not-found",
    "method-not-allowed",
    "profile-not-served",
    "too-large",
    "invalid-request",
    "internal",
    "not-ready",
    "overloaded",
]

KINDS: Mapping[Kind, tuple[int, str]] = MappingProxyType(
    {
        "malformed-json": (400, "The body is not JSON"),
        "unauthorised": (401, "A valid API key is needed"),
        "not-found": (404, "There is no such route"),
        "method-not-allowed": (405, "This route does not take that method"),
        "profile-not-served": (409, "That profile is not served"),
        "too-large": (413, "The body is too large"),
        "invalid-request": (422, "The request has the wrong shape"),
        "internal": (500, "The service failed"),
        "not-ready": (503, "The service is not ready"),
        "overloaded": (503, "The service has too much to do"),
    }
)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100  # fields listed in one answer; `error_count` has them all


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: its path in the request (`items[17].reference.boxes[0]`) and what is wrong with it."""

    path: str
    message: str


class Problem(Exception):
    """The whole request is refused. kind: gives status and title. detail: one sentence on this occurrence."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind: Kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers


def invalid_fields(errors: Sequence[FieldError]) -> Problem:
    """The 422 problem that lists `errors` (at least one), the first MAX_ERRORS of them by path."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem("invalid-request", f"{first.path}: {first.message}{more}", errors)


def respond(problem: Problem) -> Response:
    """The answer on the wire."""
    status, title = KINDS[problem.kind]
    document: dict[str, object] = {
        "type": f"urn:plumbline:problem:{problem.kind}",
        "title": title,
        "status": status,
        "detail": problem.detail,
    }
    if problem.errors:
        document["errors"] = [{"path": e.path, "message": e.message} for e in problem.errors[:MAX_ERRORS]]
        document["error_count"] = len(problem.errors)
    headers = dict(problem.headers) if problem.headers else None
    return Response(orjson.dumps(document), status, headers, media_type=MEDIA_TYPE)
