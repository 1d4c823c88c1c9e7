"""Every command of README.md, run as it is written; only the service's address and the hub's model are put in."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.trainer.tiny_vlm import save_tiny_vlm

README = (ROOT / "README.md").read_text()


class Block(NamedTuple):
    kind: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)]
CURLS = [(a.text, b.text) for a, b in itertools.pairwise(BLOCKS) if a.text.startswith("curl")]


def block(kind: str, containing: str) -> str:
    """The only block of a kind that has this text in it."""
    [found] = [each.text for each in BLOCKS if each.kind == kind and containing in each.text]
    return found


def test_the_two_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    commands = [line.split("#")[0].strip() for line in BLOCKS[0].text.splitlines()]
    assert commands == ["make demo", "make test"]
    for command in commands:
        assert re.search(rf"^make --no-print-directory {command.split()[1]}$", ci, re.MULTILINE)


@pytest.mark.parametrize(("command", "answer"), CURLS, ids=[shlex.split(c)[2] for c, _ in CURLS])
def test_curl_gets_the_answer_shown(command: str, answer: str, reward_url: str) -> None:
    arguments = shlex.split(command.replace("localhost:8000", reward_url.removeprefix("http://")))
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == json.loads(answer)


def test_own_data_and_own_model_train_and_evaluate(reward_url: str, tmp_path: Path) -> None:
    (tmp_path / "dogs.jsonl").write_text(block("jsonl", "dog"))
    (tmp_path / "dogs.yaml").write_text(block("yaml", "dogs"))
    Image.new("RGB", (48, 48), "grey").save(tmp_path / "0.png")
    tiny = save_tiny_vlm(tmp_path / "tiny")
    stand_ins = [
        f"model.path={tiny}",
        "model.dtype=float32",
        "model.coordinates=pixel",
        "grpo.max_completion_length=8",
    ]
    for line in block("sh", "trainer run").strip().splitlines():
        command = shlex.split(line.replace("http://localhost:8000", reward_url))
        assert command[0] == ".venv/bin/trainer"
        extra = stand_ins if command[1] in ("run", "eval") else []
        done = subprocess.run(
            [sys.executable, "-m", "trainer", *command[1:], *extra],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
    for name in ("report.html", "config.yaml", "versions.json", "metrics.jsonl", "rollouts.jsonl", "final"):
        assert (tmp_path / "runs" / "dogs" / name).exists()


def test_every_path_in_readme_exists() -> None:
    listed = re.findall(r"^\| `([\w./-]+)`", README.split("## Map")[1], re.MULTILINE)
    linked = listed + re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(listed) > 5
    assert len(linked) > 15
    assert [path for path in linked if not (ROOT / path).exists()] == []
