"""Starts a reward service of one's own, as a process on a free port, for as long as a run needs it."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from trainer.errors import ConfigError, ServiceUnreachable

_MODULE = "reward_service"
_LISTENING = "listening on "
_START_SECONDS = 60
_STOP_SECONDS = 10
_POLL_SECONDS = 0.05


@contextmanager
def own_service(log: Path) -> Iterator[str]:
    """Run `reward-service serve` on a free loopback port and yield its URL; it ends with the block, however.

    What the service prints goes to `log`. Ctrl-C reaches the trainer alone, so that a step in flight can be
    scored. Raises ConfigError where the service is not installed or `log` cannot be written, and
    ServiceUnreachable where it fails to start.
    """
    if find_spec(_MODULE) is None:
        raise ConfigError(
            "the reward service is not installed here: install it, or name one with --reward-url"
        )
    with _opened(log) as output:
        process = subprocess.Popen(_command(), stdout=output, stderr=output, start_new_session=True)
        try:
            yield _url(process, log)
        finally:
            _stop(process)


def _opened(log: Path) -> TextIO:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"output_dir: cannot write {log}: {error.strerror}; give another one") from None


def _command() -> list[str]:
    """Return the command; where util-linux is there, a killed trainer takes its service with it."""
    setpriv = shutil.which("setpriv")
    guard = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    return [*guard, sys.executable, "-m", _MODULE, "serve", "--port", "0"]


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the line that names the port; the service has written it once it accepts connections."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        lines = log.read_text(encoding="utf-8").split("\n")[:-1]
        for line in lines:
            if _LISTENING in line:
                return line.rsplit(_LISTENING, 1)[1].strip()
        time.sleep(_POLL_SECONDS)
    ended = process.poll()
    what = (
        f"did not listen within {_START_SECONDS} s"
        if ended is None
        else f"ended with code {ended} as it started"
    )
    raise ServiceUnreachable(f"the reward service {what}; see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
