"""Fixtures of the trainer's tests."""

import socket

import pytest


@pytest.fixture
def unused_url() -> str:
    """The address of a loopback port on which nobody listens."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{own.getsockname()[1]}"
