"""Fixtures that every suite shares: the real service in a process of its own, on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# a verdict on the code must not depend on the load of the machine, nor CI's on its luck
settings.register_profile("plumbline", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("plumbline")

ROOT = Path(__file__).resolve().parent.parent


def start_service(*arguments: str, cwd: Path = ROOT, **environment: str) -> tuple[subprocess.Popen[str], str]:
    """Start `reward-service serve` on a free loopback port; return the process and its URL once it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reward_service", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "listening on " in line:
            return process, line.rsplit("listening on ", 1)[1].strip()
    raise AssertionError(f"the service ended with {process.wait()} before it listened")


@pytest.fixture(scope="session")
def reward_url() -> Iterator[str]:
    process, url = start_service()
    yield url
    process.terminate()
    assert process.wait(timeout=30) == 0
    assert process.stdout is not None
    process.stdout.close()
