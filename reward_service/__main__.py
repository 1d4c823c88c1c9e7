"""The command line: `reward-service serve` starts the service, `reward-service openapi` prints its document.

Exit codes: 0 after SIGTERM or Ctrl-C, 1 when the service could not start, 2 for a wrong setting, profile or
port.
"""

from __future__ import annotations

import argparse
import functools
import os
import signal
import socket
import sys
import tempfile
from types import FrameType
from typing import NoReturn

import orjson
import uvicorn
from uvicorn.supervisors import Multiprocess

from reward_service import VERSION
from reward_service.app import create_app
from reward_service.profiles import BadProfile, load_profiles
from reward_service.settings import BadSettings, Settings, load_settings
from reward_service.telemetry import configure_logging

BACKLOG = 2048


def main() -> int:
    """Run a command; a mistake of the caller is one line on stderr."""
    arguments = _parser().parse_args()
    try:
        return _openapi() if arguments.command == "openapi" else _serve(arguments)
    except (BadSettings, BadProfile, _CannotListen) as error:
        sys.stderr.write(f"reward-service: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reward-service", description="Verifiable rewards over HTTP.")
    parser.add_argument("--version", action="version", version=f"reward-service {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve rewards; every option is also a variable REWARD_*")
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (8000); 0 takes a free one and prints it")
    serve.add_argument("--workers", type=int, help="server processes that share the port (1)")
    serve.add_argument("--profiles-dir", help="folder with more profiles (*.json)")
    commands.add_parser("openapi", help="print the OpenAPI document")
    return parser


class _CannotListen(Exception):
    """The address or port cannot be had."""


def _openapi() -> int:
    document = create_app(Settings()).openapi()
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    settings = load_settings(
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
        profiles_dir=arguments.profiles_dir,
    )
    load_profiles(settings.profiles_dir)  # a bad file is reported here, before anything listens
    configure_logging(settings.log_level)
    signal.signal(signal.SIGTERM, _end)
    listener = _listen(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"reward-service listening on http://{shown}:{port}\n")
    sys.stdout.flush()
    try:
        with tempfile.TemporaryDirectory(prefix="reward-service-metrics-") as folder:
            return _run(settings, listener, folder)
    except KeyboardInterrupt:
        return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        raise _CannotListen(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from None
    listener.set_inheritable(True)
    return listener


def _run(settings: Settings, listener: socket.socket, metrics_folder: str) -> int:
    config = uvicorn.Config(
        functools.partial(_application, settings),
        factory=True,
        workers=settings.workers,
        backlog=BACKLOG,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_grace_s,
    )
    if settings.workers == 1:
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        return 0 if server.started else 1
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics_folder
    Multiprocess(config, sockets=[listener]).run()
    return 0


def _application(settings: Settings) -> object:
    configure_logging(settings.log_level)  # again, since each further process starts without it
    return create_app(settings)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Before and after the server has the signal, SIGTERM is an ordinary end."""
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
