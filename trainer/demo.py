"""The demo: the shipped configuration, and a reward service of its own unless another one is named."""

from collections.abc import Sequence
from pathlib import Path

from trainer.config_file import load_config
from trainer.run import run
from trainer.service_process import own_service

CONFIG = "package:configs/demo.yaml"


def run_demo(
    overrides: Sequence[str] = (), reward_url: str | None = None, output_dir: str | Path | None = None
) -> None:
    """Train the shipped model through the shipped curriculum; the run folder holds report.html at the end.

    The same call goes on where an earlier one was stopped. Raises what `load_config`, `own_service` and `run`
    raise; its own service is stopped in any case.
    """
    config = load_config(CONFIG, overrides, reward_url=reward_url, output_dir=output_dir)
    if reward_url is not None:
        run(config)
        return
    with own_service(config.output_dir / "service.log") as url:
        run(load_config(CONFIG, overrides, reward_url=url, output_dir=output_dir))
