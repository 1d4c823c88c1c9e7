"""Every golden request gets its golden answer from the running service."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT

EXCHANGES = sorted((ROOT / "contract/v1/golden").glob("*.json"))


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
def test_the_golden_request_gets_the_golden_answer(path: Path, reward_url: str) -> None:
    exchange = json.loads(path.read_text())
    request = exchange["request"]
    body = request if isinstance(request, str) or request is None else json.dumps(request)
    response = httpx.request(exchange["method"], reward_url + exchange["path"], content=body, timeout=60)
    assert response.status_code == exchange["status"]
    assert response.json() == exchange["response"]


def test_every_route_and_every_status_of_an_item_has_an_exchange() -> None:
    exchanges = [json.loads(path.read_text()) for path in EXCHANGES]
    paths = {exchange["path"] for exchange in exchanges if exchange["status"] == 200}
    assert paths >= {
        "/reward",
        "/reward/choice",
        "/reward/open-ended",
        "/reward/grounding",
        "/reward/math",
        "/version",
    }
    statuses = {
        r["status"] for e in exchanges if e["status"] == 200 for r in e["response"].get("results", [])
    }
    assert statuses >= {"scored", "invalid_reference"}
    assert {exchange["status"] for exchange in exchanges} >= {200, 400, 404, 405, 409, 422}
