"""Starting and stopping: ports, settings, profiles, signals, several processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.service.running import running_service

GOOD = {"items": [{"completion": "<think>x</think><answer>A</answer>", "reference": "A"}]}


def failing_start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reward_service", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = failing_start("--port", str(port))
    assert ended.returncode == 2
    expected = (
        f"reward-service: cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port\n"
    )
    assert ended.stderr == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REWARD_PORT", "http"),
        ("REWARD_WORKERS", "0"),
        ("REWARD_VERIFIER_TIMEOUT_S", "nan"),
        ("REWARD_PROFILES_DIR", "/nowhere"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_its_variable(variable: str, value: str) -> None:
    ended = failing_start(**{variable: value})
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"reward-service: {variable}: ")
    assert ended.stderr.count("\n") == 1


def test_a_bad_profile_is_one_line_that_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"name": "broken"}')
    ended = failing_start("--port", "0", "--profiles-dir", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith(
        f"reward-service: {tmp_path}/broken.json: version: expected a value, got nothing; "
    )
    assert ended.stderr.count("\n") == 1


def test_a_mounted_profile_is_served(tmp_path: Path) -> None:
    profile = {
        "name": "half",
        "version": "3.0.0",
        "summary": "s",
        "source": "o",
        "weights": {"accuracy": 0.5, "format": 0},
    }
    (tmp_path / "half.json").write_text(json.dumps(profile))
    with running_service("--profiles-dir", str(tmp_path)) as (_, url):
        answer = httpx.post(f"{url}/reward/choice", json={**GOOD, "profile": "half@3"}, timeout=60).json()
    assert answer["rewards"] == [0.5]


def test_after_sigterm_the_service_is_not_ready_serves_on_and_ends_with_0() -> None:
    with (
        running_service(REWARD_DRAIN_S="1") as (process, url),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        wait_for(lambda: client.get("/readyz").status_code == 200)
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: client.get("/readyz").status_code == 503)
        assert client.post("/reward/choice", json=GOOD).json()["rewards"] == [1.0]


def test_a_service_that_is_not_ready_says_when_to_ask_again_and_scores_all_the_same() -> None:
    with running_service() as (_, url), httpx.Client(base_url=url, timeout=60) as client:
        early = client.get("/readyz")
        assert client.post("/reward/choice", json=GOOD).json()["rewards"] == [1.0]
    assert early.status_code == 503
    assert early.headers["retry-after"] == "1"


def test_a_request_in_flight_at_sigterm_is_answered() -> None:
    body = json.dumps(GOOD).encode()
    head = "POST /reward/choice HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with running_service() as (process, url):
        address = (httpx.URL(url).host, httpx.URL(url).port)
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head.encode())
            assert b"100 Continue" in connection.recv(1000)  # so the service is reading this request
            process.send_signal(signal.SIGTERM)
            wait_for(lambda: refuses_connections(address))
            connection.sendall(body)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"rewards":[1.0]' in answer


def test_more_requests_than_are_allowed_at_a_time_are_told_when_to_ask_again() -> None:
    body = json.dumps(GOOD).encode()
    head = "POST /reward/choice HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with (
        running_service(REWARD_MAX_CONCURRENT_REQUESTS="1") as (_, url),
        httpx.Client(base_url=url, timeout=60) as client,
        socket.create_connection((client.base_url.host, client.base_url.port), timeout=60) as first,
    ):
        first.sendall(head.encode())
        assert b"100 Continue" in first.recv(1000)  # so the service is at work on this request
        second = client.post("/reward/choice", json=GOOD)
        assert client.get("/livez").status_code == 200
        first.sendall(body)
        assert b"".join(iter(lambda: first.recv(65536), b"")).startswith(b"HTTP/1.1 200 OK")
        third = client.post("/reward/choice", json=GOOD)
    assert (second.status_code, second.headers["retry-after"]) == (503, "1")
    assert second.json()["type"] == "urn:plumbline:problem:overloaded"
    assert third.json()["rewards"] == [1.0]


def test_several_processes_answer_alike_and_sum_their_metrics() -> None:
    bodies = set()
    with running_service("--workers", "2") as (_, url):
        for _ in range(20):  # each connection may reach the other process
            with httpx.Client(base_url=url, timeout=120) as client:
                bodies.add(client.post("/reward/choice", json=GOOD).content)
        text = httpx.get(f"{url}/metrics", timeout=60).text
    assert len(bodies) == 1
    assert 'plumbline_requests_total{code="200",route="/reward/choice"} 20.0' in text


def refuses_connections(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
