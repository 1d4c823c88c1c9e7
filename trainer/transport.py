"""One exchange with the service over HTTP: bytes go out, bytes come in, a failure has one of two meanings.

`NotNow` may succeed when it is tried again, `ServiceRefused` never will.
"""

from __future__ import annotations

import ipaddress
import time as clock
from collections.abc import Mapping

import httpx
from pydantic import ValidationError

from trainer.errors import ServiceRefused
from trainer.retries import NotNow, Time, retry_after_seconds
from trainer.wire import Problem

CONNECT_S = 1.0
"""Seconds for a connection to be made: a wrong address must be an error in under two, start included."""

_AGAIN = frozenset({408, 425, 429})
_MAX_ANSWER_BYTES = 256 * 1024 * 1024


class Transport:
    """Pooled connections to one service. Safe to share between threads."""

    def __init__(self, url: str, api_key: str | None, time: Time) -> None:
        headers = {"accept": "application/json"}
        if api_key is not None:
            headers["authorization"] = f"Bearer {api_key}"
        self._url = url
        self._time = time
        # a proxy of the environment is for other machines, never for this one
        self._http = httpx.Client(base_url=url, headers=headers, trust_env=not _is_loopback(url))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def exchange(self, method: str, path: str, body: bytes | None, timeout_s: float) -> bytes:
        """Send one request and return the body of its 2xx answer, all within `timeout_s` seconds."""
        ends = self._time.now() + timeout_s
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        headers = {} if body is None else {"content-type": "application/json"}
        try:
            with self._http.stream(method, path, content=body, headers=headers, timeout=timeout) as response:
                content = self._read(response, ends, timeout_s)
        except httpx.TimeoutException as error:
            raise NotNow(f"{_kind(error)} after {timeout_s:g} s") from None
        except httpx.RequestError as error:
            raise NotNow(f"{_kind(error)}: {error}") from None
        return self._accepted(response.status_code, response.headers, content)

    def _read(self, response: httpx.Response, ends: float, timeout_s: float) -> bytes:
        """Read the body; the deadline holds for all of it, not for each chunk."""
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if self._time.now() > ends:
                raise NotNow(f"the answer was not complete after {timeout_s:g} s")
            if len(content) > _MAX_ANSWER_BYTES:
                raise NotNow(f"the answer is larger than {_MAX_ANSWER_BYTES} bytes")
        return bytes(content)

    def _accepted(self, status: int, headers: Mapping[str, str], content: bytes) -> bytes:
        if 200 <= status < 300:
            return content
        detail = _detail(content) or f"no details; it answered {content[:80]!r}"
        if status in _AGAIN or status >= 500:
            wish = retry_after_seconds(headers.get("retry-after"), clock.time())
            raise NotNow(f"HTTP {status}: {detail}", wish)
        if 300 <= status < 400:
            detail = f"it redirects to {headers.get('location')}; give that address"
        raise ServiceRefused(f"{self._url}: refused with HTTP {status}: {detail}", status, detail)


def _detail(content: bytes) -> str:
    try:
        return Problem.model_validate_json(content).text()
    except ValidationError:
        return ""


def _kind(error: httpx.RequestError) -> str:
    return {
        "ConnectError": "no connection",
        "ConnectTimeout": "no connection",
        "ReadTimeout": "no answer",
        "WriteTimeout": "the request was not taken",
        "PoolTimeout": "no free connection",
    }.get(type(error).__name__, "the connection broke")


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
