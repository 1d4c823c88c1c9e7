"""A service of its own for a test that needs other settings or signals; it must end with 0."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from tests.conftest import start_service


@contextlib.contextmanager
def running_service(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a service and give its process and URL."""
    process, url = start_service(*arguments, **environment)
    try:
        yield process, url
    finally:
        process.terminate()
        code = process.wait(timeout=120)
        process.stdout.close()
    assert code == 0
