"""The shipped configurations are valid, and the demo's own service lives exactly as long as it is needed."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from trl import GRPOConfig

from tests.conftest import ROOT
from trainer import service_process
from trainer.config import RunConfig
from trainer.config_file import load_config
from trainer.data.generate import SETS
from trainer.demo import CONFIG
from trainer.errors import ConfigError, ServiceUnreachable
from trainer.service_process import own_service

SHIPPED = sorted(path.name for path in (ROOT / "trainer/configs").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_configuration_is_valid(name: str) -> None:
    config = load_config(f"package:configs/{name}")
    known = {field.name for field in fields(GRPOConfig)}
    for stage in config.stages:
        asked = config.grpo_of(stage)
        assert asked.keys() <= known
        batch = asked["per_device_train_batch_size"] * asked.get("gradient_accumulation_steps", 1)
        assert batch % asked["num_generations"] == 0


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.startswith("qwen")])
def test_a_large_model_gets_adapters_bf16_flash_attention_and_vllm(name: str) -> None:
    config = load_config(f"package:configs/{name}")
    assert config.model.lora is not None
    assert (config.model.dtype, config.model.attn_implementation) == ("bfloat16", "flash_attention_2")
    assert [config.grpo_of(stage)["num_generations"] for stage in config.stages] == [4, 2, 4]
    assert all(
        config.grpo_of(s)["use_vllm"] and config.grpo_of(s)["temperature"] == 1.0 for s in config.stages
    )


@pytest.mark.parametrize(
    ("family", "coordinates"), [("qwen2.5-vl-3b", "resized"), ("qwen3-vl-4b", "permille")]
)
def test_each_family_answers_in_the_coordinates_it_was_trained_on(family: str, coordinates: str) -> None:
    assert load_config(f"package:configs/{family}.yaml").model.coordinates == coordinates


def demo() -> RunConfig:
    return load_config(CONFIG)


def test_the_demo_goes_through_the_three_stages_in_order() -> None:
    assert [stage.format for stage in demo().stages] == ["binary", "choice", "open"]


def test_the_demo_reads_only_what_it_generates() -> None:
    config = demo()
    assert config.generate is not None
    assert set(config.generate.sizes) <= set(SETS)
    paths = [s.path for stage in config.stages for s in stage.data] + [s.path for s in config.evaluation.sets]
    made = {
        config.output_dir / "data" / name / f"{form}.jsonl"
        for name in SETS
        for form in ("binary", "choice", "open")
    }
    assert set(paths) <= made
    assert all("train" in s.path.parts[-2] for stage in config.stages for s in stage.data)
    assert all(("ood" in s.path.parts[-2]) == (s.domain == "out") for s in config.evaluation.sets)


def test_the_demo_measures_open_questions_in_and_out_of_domain() -> None:
    assert {(s.format, s.domain) for s in demo().evaluation.sets} >= {("open", "in"), ("open", "out")}


def test_its_own_service_answers_and_ends_with_the_block(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    started: list[psutil.Process] = []
    with pytest.raises(KeyboardInterrupt):
        _press_ctrl_c_inside(
            tmp_path / "service.log", lambda: started.extend({*psutil.Process().children()} - before)
        )
    assert len(started) == 1
    assert not started[0].is_running()
    assert "listening on" in (tmp_path / "service.log").read_text(encoding="utf-8")


def _press_ctrl_c_inside(log: Path, look: Callable[[], None]) -> None:
    with own_service(log) as url:
        look()
        with urlopen(f"{url}/livez", timeout=10) as answer:
            assert answer.status == 200
        raise KeyboardInterrupt


@pytest.mark.skipif(service_process.shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_a_killed_trainer_takes_its_service_with_it(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from trainer.service_process import own_service\n"
        "with own_service(Path(sys.argv[1])) as url:\n    print(url, flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as trainer:
        assert trainer.stdout is not None
        assert trainer.stdout.readline().startswith("http://127.0.0.1:")
        (service,) = psutil.Process(trainer.pid).children()
        trainer.kill()
    assert psutil.wait_procs([service], timeout=30)[0] == [service]


def test_a_service_that_does_not_start_is_an_error_that_names_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_process, "_command", lambda: [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(ServiceUnreachable, match=r"ended with code 3 as it started; see .*service\.log"):
        own_service(tmp_path / "service.log").__enter__()


def test_without_the_service_installed_the_demo_says_what_to_do(tmp_path: Path) -> None:
    """Runs where only the trainer can be imported, as on a machine without the service."""
    code = (
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'reward_service' else found(name, *a)\n"
        "from trainer.__main__ import main; raise SystemExit(main(['demo', '--output-dir', 'out']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ConfigError.exit_code
    assert done.stderr.strip().endswith("install it, or name one with --reward-url")
