"""What stands before a route: the key, the number of requests at work, and the length of the body."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from types import TracebackType

from fastapi import Request
from pydantic import SecretStr
from starlette.requests import ClientDisconnect

from reward_service.problems import Problem

RETRY_AFTER_S = 1


class Admission:
    """Lets at most `limit` requests in at a time; for the others entering raises Problem (503)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0

    def __enter__(self) -> None:
        """Count the request in, before its body is read."""
        if self._inside >= self._limit:
            detail = f"{self._limit} requests are at work already; send this one again"
            raise Problem("overloaded", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
        self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count the request out."""
        self._inside -= 1


def authorise(request: Request, keys: Sequence[SecretStr]) -> None:
    """Let the request pass if no key is configured or its bearer token is one. Raises Problem (401)."""
    if not keys:
        return
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip().encode()
    # every key is compared, so the time says nothing about which one came close
    matches = [hmac.compare_digest(given, key.get_secret_value().encode()) for key in keys]
    if scheme.lower() != "bearer" or not any(matches):
        detail = "Send one of the configured keys as `Authorization: Bearer KEY`."
        raise Problem("unauthorised", detail, headers={"WWW-Authenticate": "Bearer"})


async def read_body(request: Request, limit: int) -> bytes:
    """Read the body, of at most `limit` bytes.

    Raises Problem: 413 as soon as it is known to be longer, 400 where the client went away in the middle.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    length = 0
    try:
        async for chunk in request.stream():
            length += len(chunk)
            if length > limit:
                raise _too_large(limit)
            chunks.append(chunk)
    except ClientDisconnect:
        raise Problem("malformed-json", "the connection ended before the body did") from None
    return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    # the rest of the body is not read, so the connection cannot be used again
    detail = f"expected at most {limit} bytes; send fewer items at once"
    return Problem("too-large", detail, headers={"Connection": "close"})
