"""The service over a real socket."""

from __future__ import annotations

import json
import re
import socket

import httpx
import pytest

from tests.service.running import running_service

GOOD = {"items": [{"completion": "<think>x</think><answer>A</answer>", "reference": "A"}]}


@pytest.fixture(scope="module")
def http(reward_url: str) -> httpx.Client:
    with httpx.Client(base_url=reward_url, timeout=60) as client:
        yield client


def test_a_batch_is_scored(http: httpx.Client) -> None:
    answer = http.post("/reward/choice", json=GOOD)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["rewards"] == [1.0]


def test_the_same_request_gets_the_same_bytes(http: httpx.Client) -> None:
    assert len({http.post("/reward/choice", json=GOOD).content for _ in range(5)}) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/reward/choice", b"{", 400),
        ("GET", "/nowhere", b"", 404),
        ("POST", "/reward/chess", b"{}", 404),
        ("POST", "/livez/", b"", 404),
        ("PUT", "/reward", b"{}", 405),
        ("POST", "/livez", b"", 405),
        ("POST", "/reward/choice", json.dumps({**GOOD, "profile": "default@7"}).encode(), 409),
        ("POST", "/reward/choice", b"{}", 422),
    ],
)
def test_every_refusal_is_problem_details(
    http: httpx.Client, method: str, path: str, body: bytes, status: int
) -> None:
    answer = http.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_a_method_that_is_not_taken_names_those_that_are(http: httpx.Client) -> None:
    assert http.put("/reward").headers["allow"] == "POST"


def test_the_catalogue_lists_tasks_and_profiles_with_digests_and_schemas(http: httpx.Client) -> None:
    catalogue = http.get("/rewards").json()
    assert {task["name"] for task in catalogue["tasks"]} == {"choice", "open-ended", "grounding", "math"}
    assert {profile["pin"] for profile in catalogue["profiles"]} >= {"default@1", "curr-reft@1"}
    grounding = next(task for task in catalogue["tasks"] if task["name"] == "grounding")
    assert grounding["options"]["properties"]["iou_threshold"]["default"] == 0.5
    assert all(
        re.fullmatch("sha256:[0-9a-f]{64}", entry["digest"])
        for entry in catalogue["tasks"] + catalogue["profiles"]
    )


def test_health_and_version(http: httpx.Client) -> None:
    assert http.get("/livez").json() == {"status": "ok"}
    assert http.get("/version").json() == {"version": "0.1.0", "contract": "1"}


def test_metrics_count_requests_by_route_even_where_there_is_none(http: httpx.Client) -> None:
    http.post("/reward/choice", json=GOOD)
    http.get("/some/path/that/a/client/made/up")
    text = http.get("/metrics").text
    assert re.search(r'plumbline_requests_total\{code="200",route="/reward/choice"\} [1-9]', text)
    assert 'route="unmatched"' in text
    assert "made/up" not in text


def test_the_docs_page_needs_no_other_host(http: httpx.Client) -> None:
    page = http.get("/docs").text
    assert not re.search(r"""(?:src|href|url)\s*[=:]\s*["']https?://""", page)
    for asset in re.findall(r"""(?:src|href)=["']([^"']+)["']""", page):
        assert http.get(asset).status_code == 200
    assert http.get("/openapi.json").json()["info"]["title"] == "Plumbline reward service"


def test_a_body_that_is_too_long_is_refused_whether_declared_or_streamed() -> None:
    long = json.dumps({"items": [{"completion": "x" * 2000, "reference": "A"}]}).encode()
    with running_service(REWARD_MAX_BODY_BYTES="1024") as (_, url):
        path = f"{url}/reward/choice"
        assert httpx.post(path, content=long, timeout=60).status_code == 413
        assert httpx.post(path, content=iter([long[:1000], long[1000:]]), timeout=60).status_code == 413
        assert httpx.post(path, json=GOOD, timeout=60).status_code == 200


def test_a_client_that_goes_away_in_the_middle_is_no_failure_of_the_service() -> None:
    head = b"POST /reward/choice HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n"
    with running_service() as (_, url), httpx.Client(base_url=url, timeout=60) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port), timeout=60) as gone:
            gone.sendall(head)
            assert b"100 Continue" in gone.recv(1000)  # so the service is reading this request
        text = ""
        while 'route="/reward/choice"' not in text:
            text = client.get("/metrics").text
    assert re.search(r'plumbline_requests_total\{code="400",route="/reward/choice"\} 1', text)


def test_with_keys_configured_scoring_needs_one_and_health_does_not() -> None:
    with (
        running_service(REWARD_API_KEYS="old, new") as (_, url),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        refused = client.post("/reward/choice", json=GOOD)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        for token, status in [("new", 200), ("old", 200), ("newer", 401), ("x", 401)]:
            headers = {"Authorization": f"Bearer {token}"}
            assert client.post("/reward/choice", json=GOOD, headers=headers).status_code == status
            assert client.get("/rewards", headers=headers).status_code == status
        assert client.get("/livez").status_code == 200
