"""The command line: `trainer run | eval | demo | report | pretrain | data generate | data check`.

Whatever is wrong is one line on stderr and the exit code of its error class (trainer.errors); 130 means
interrupted. Nothing heavy is imported before a command needs it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from trainer import __version__, commands
from trainer.errors import TrainerError

INTERRUPTED = 130

# read when torch loads: on cores that are shared, threads that spin while they wait make a step ten times slower
_THREADS_SLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` default to those of the process."""
    parser = build_parser()
    known, rest = parser.parse_known_args(arguments)
    if rest and not (known.takes_overrides and all(_is_override(text) for text in rest)):
        hint = "; an override is field.path=value" if known.takes_overrides else ""
        parser.error(f"unrecognised: {' '.join(rest)}{hint}")
    known.overrides = rest
    for name, value in _THREADS_SLEEP.items():
        os.environ.setdefault(name, value)
    try:
        known.command(known)
    except TrainerError as error:
        sys.stderr.write(f"trainer: {' '.join(str(error).split())}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("trainer: interrupted; the same command goes on from the last checkpoint\n")
        return INTERRUPTED
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets `command`, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(prog="trainer", description="GRPO by curriculum, rewards over HTTP.")
    parser.add_argument("--version", action="version", version=f"trainer {__version__}")
    several = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(several)
    _add_eval(several)
    _add_demo(several)
    _add_report(several)
    _add_pretrain(several)
    data = several.add_parser("data", help="make or check data").add_subparsers(required=True, metavar="WHAT")
    _add_generate(data)
    _add_check(data)
    return parser


def _add_run(several: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = several.add_parser(
        "run",
        help="train; a run that was stopped goes on",
        usage="trainer run CONFIG [options] [field=value ...]",
    )
    run.add_argument("config", help="a YAML file, or package:configs/NAME.yaml for one that is shipped")
    _add_service(run)
    run.add_argument("--output-dir", help="folder of the run, instead of the configuration's")
    run.set_defaults(command=commands.run, takes_overrides=True)


def _add_eval(several: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    own = several.add_parser(
        "eval", help="score a model on data files", usage="trainer eval [options] [field=value ...]"
    )
    own.add_argument("--config", help="run configuration: its model, reward settings and evaluation sets")
    own.add_argument("--model", help="folder or hub name of the model; with --config, weights to use instead")
    own.add_argument("--data", type=Path, nargs="+", default=[], help="JSONL files or mixture lists")
    own.add_argument(
        "--format", choices=("binary", "choice", "open"), default="open", help="of rows that name none"
    )
    own.add_argument("--sample", help="first:N, end:N, random:N or a percentage of each file")
    own.add_argument("--profile", help="reward profile, say curr-reft@1")
    own.add_argument("--label", default="eval", help="name of the result files")
    own.add_argument("--output-dir", type=Path, help="folder for LABEL.json and LABEL.jsonl")
    _add_service(own)
    own.set_defaults(command=commands.evaluate, takes_overrides=True)


def _add_demo(several: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = several.add_parser(
        "demo",
        help="train the shipped model on drawn scenes",
        usage="trainer demo [options] [field=value ...]",
    )
    demo.add_argument("--reward-url", help="a running service; without it the demo starts its own")
    demo.add_argument("--output-dir", help="folder of the run (default: runs/demo)")
    demo.set_defaults(command=commands.demo, takes_overrides=True)


def _add_report(several: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    report = several.add_parser("report", help="write report.html of a run folder")
    report.add_argument("folder", type=Path)
    report.set_defaults(command=commands.report, takes_overrides=False)


def _add_pretrain(several: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pretrain = several.add_parser("pretrain", help="make the demo's base model from nothing")
    pretrain.add_argument("folder", type=Path)
    pretrain.add_argument("--seed", type=int, default=0)
    pretrain.set_defaults(command=commands.pretrain, takes_overrides=False)


def _add_generate(several: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    generate = several.add_parser("generate", help="write the benchmark of drawn scenes")
    generate.add_argument("folder", type=Path)
    generate.add_argument("--seed", type=int, default=0)
    generate.add_argument(
        "--scenes", nargs="+", default=[], metavar="SET=N", help="scenes of a set, say train=500 ood-more=0"
    )
    generate.set_defaults(command=commands.generate_data, takes_overrides=False)


def _add_check(several: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = several.add_parser("check", help="read every row; with --reward-url also score every reference")
    check.add_argument("files", type=Path, nargs="+")
    check.add_argument(
        "--format", choices=("binary", "choice", "open"), default="open", help="of rows that name none"
    )
    check.add_argument("--profile", help="reward profile, say curr-reft@1")
    _add_service(check)
    check.set_defaults(command=commands.check_data, takes_overrides=False)


def _add_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reward-url", help="address of the reward service, instead of the configuration's")


def _is_override(text: str) -> bool:
    return "=" in text and not text.startswith("-")


if __name__ == "__main__":
    sys.exit(main())
