"""What each command does. Imports are inside, so that a wrong argument is told before torch loads."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from trainer.config import DataSource, ModelConfig, RewardConfig
from trainer.config_fields import Strict
from trainer.config_file import load_config, problems
from trainer.errors import ConfigError

M = TypeVar("M", bound=Strict)


def run(arguments: argparse.Namespace) -> None:
    """`trainer run`: trains, or goes on where the same command was stopped."""
    from trainer.run import run as train

    train(
        load_config(
            arguments.config,
            arguments.overrides,
            reward_url=arguments.reward_url,
            output_dir=arguments.output_dir,
        )
    )


def demo(arguments: argparse.Namespace) -> None:
    """`trainer demo`: the shipped configuration, with a service of its own unless one is named."""
    from trainer.demo import run_demo

    run_demo(arguments.overrides, reward_url=arguments.reward_url, output_dir=arguments.output_dir)


def report(arguments: argparse.Namespace) -> None:
    """`trainer report`: writes report.html and says where."""
    from trainer.report import write_report

    _say(str(write_report(arguments.folder)))


def pretrain(arguments: argparse.Namespace) -> None:
    """`trainer pretrain`: trains the demo's base model, with its progress on stderr."""
    from trainer.pretrain import pretrain as make_base

    def show(phase: str, done: int, total: int, loss: float) -> None:
        if done == total or done % 50 == 0:
            sys.stderr.write(f"{phase} {done}/{total} loss {loss:.3f}\n")

    make_base(arguments.folder, arguments.seed, show)


def generate_data(arguments: argparse.Namespace) -> None:
    """`trainer data generate`: writes the benchmark."""
    from trainer.data.generate import generate

    try:
        generate(arguments.folder, arguments.seed, _sizes(arguments.scenes))
    except ValueError as error:
        raise ConfigError(f"--scenes: {error}") from None
    except OSError as error:
        raise ConfigError(f"{arguments.folder}: cannot be written: {error.strerror or error}") from None
    _say(f"wrote {arguments.folder}")


def check_data(arguments: argparse.Namespace) -> None:
    """`trainer data check`: reads every row; where a service is named, scores every reference by itself."""
    from trainer.client import RewardClient
    from trainer.data.rows import load_rows
    from trainer.preflight import check_references

    settings = _reward_settings(arguments)
    sources = [_made(DataSource, {"path": path}) for path in arguments.files]
    if arguments.reward_url is None:
        rows = load_rows(sources, arguments.format, 0, settings.routes)
        _say(f"{len(rows)} rows can be read; give --reward-url to score their references too")
        return
    with RewardClient(settings) as client:
        client.version()
        rows = load_rows(sources, arguments.format, 0, settings.routes)
        check_references([(settings, rows)], client)
    _say(f"{len(rows)} rows can be read, every reference gets full marks as its own answer")


def evaluate(arguments: argparse.Namespace) -> None:
    """`trainer eval`: a model on data files, or on the evaluation sets of a configuration."""
    from trainer.client import RewardClient

    if arguments.config is None and (arguments.model is None or not arguments.data or arguments.overrides):
        raise ConfigError("eval: give --config CONFIG, or --model FOLDER and --data FILE without overrides")
    config = None if arguments.config is None else load_config(arguments.config, arguments.overrides)
    reward = _reward_settings(arguments, config.reward if config else None)
    model = config.model if config else _made(ModelConfig, {"path": arguments.model})
    with RewardClient(reward) as client:
        client.version()
    if arguments.output_dir is not None:
        _make_folder(arguments.output_dir)
    from trainer.eval_command import EvalSettings, eval_settings, run_eval

    sample = _made(DataSource, {"path": ".", "sample": arguments.sample}).sample
    settings = eval_settings(model, reward, arguments.data, arguments.format, sample)
    if config is not None:
        own = settings.evaluation.sets or config.evaluation.sets
        evaluation = config.evaluation.model_copy(update={"sets": own})
        settings = EvalSettings(model, reward, evaluation, config.seed)
    weights = Path(arguments.model) if config and arguments.model else None
    run_eval(settings, weights, arguments.label, arguments.output_dir)


def _reward_settings(arguments: argparse.Namespace, base: RewardConfig | None = None) -> RewardConfig:
    given = {"url": arguments.reward_url, "profile": arguments.profile}
    fields = {name: value for name, value in given.items() if value is not None}
    return _made(RewardConfig, {**(base.model_dump() if base else {}), **fields})


def _made(model: type[M], fields: Mapping[str, object]) -> M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(problems(error)) from None


def _make_folder(folder: Path) -> None:
    """Make a folder for results now, so that none are lost later for want of it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--output-dir: {folder}: {error.strerror}; give another one") from None


def _sizes(texts: Sequence[str]) -> dict[str, int]:
    sizes = {}
    for text in texts:
        name, _, number = text.partition("=")
        if not number.isdecimal():
            raise ValueError(f"expected SET=N with a whole number, got {text!r}")
        sizes[name] = int(number)
    return sizes


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
