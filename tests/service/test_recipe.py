"""CONTRIBUTING.md's recipe "Add a reward", followed to the letter on a copy of the service."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, start_service

BLOCK = re.compile(r"```(?:python|text)\n(.*?)```", re.DOTALL)


@pytest.fixture
def copy_with_pointing(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "reward_service", tmp_path / "reward_service")
    module, line = BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())
    (tmp_path / "reward_service/rewards/pointing.py").write_text(module)
    registry = tmp_path / "reward_service/rewards/registry.py"
    text = registry.read_text()
    imports = re.search(r"from reward_service\.rewards import [\w, ]+\n", text).group()
    last = re.findall(r" +_task\(.*\),\n", text)[-1]
    registry.write_text(text.replace(imports, f"{imports[:-1]}, pointing\n").replace(last, last + line))
    return tmp_path


def test_the_recipes_reward_is_served_scored_and_listed(copy_with_pointing: Path) -> None:
    path = os.pathsep.join([str(copy_with_pointing), os.environ.get("PYTHONPATH", "")])
    process, url = start_service(cwd=copy_with_pointing, PYTHONPATH=path)
    try:
        items = [
            {"completion": "<think>there</think><answer>[20, 20]</answer>", "reference": [10, 10, 30, 30]},
            {"completion": "<answer>[32, 20]</answer>", "reference": [10, 10, 30, 30]},
            {
                "completion": "<answer>[32, 20]</answer>",
                "reference": [10, 10, 30, 30],
                "options": {"margin": 2},
            },
            {"completion": "<answer>[20, 20]</answer>", "reference": [30, 30, 10, 10]},
        ]
        answer = httpx.post(f"{url}/reward/pointing", json={"items": items}, timeout=30).json()
        assert answer["rewards"] == [1.0, 0.0, 1.0, None]
        assert answer["results"][3]["status"] == "invalid_reference"
        mixed = {"items": [{"task": "pointing", **items[0]}], "profile": "curr-reft@1"}
        assert httpx.post(f"{url}/reward", json=mixed, timeout=30).json()["rewards"] == [2.0]
        catalogue = httpx.get(f"{url}/rewards", timeout=30).json()
        assert "pointing" in [task["name"] for task in catalogue["tasks"]]
        assert "/reward/pointing" in httpx.get(f"{url}/openapi.json", timeout=30).json()["paths"]
        bad = httpx.post(
            f"{url}/reward/pointing", json={"items": [{"completion": "", "reference": [1, 2, 3]}]}
        )
        assert bad.status_code == 422
        assert bad.json()["errors"][0]["path"] == "items[0].reference"
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()
