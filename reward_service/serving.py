"""Serving: one process, or several that share a socket, until SIGTERM."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import tempfile
from types import FrameType
from typing import NoReturn

import orjson
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from reward_service.app import create_app
from reward_service.deferred import DeferredApplication
from reward_service.errors import StartError
from reward_service.profiles import load_profiles
from reward_service.settings import Settings, load_settings
from reward_service.telemetry import configure_logging

BACKLOG = 2048
HEALTH_CHECK_S = 30  # in which a further process gives a sign of life


class CannotListen(StartError):
    """The address or port cannot be had."""


def document() -> str:
    """The OpenAPI document as text."""
    return orjson.dumps(create_app(Settings()).openapi(), option=orjson.OPT_INDENT_2).decode() + "\n"


def serve(**overrides: object) -> int:
    """Serve until SIGTERM or Ctrl-C; `overrides` that are not None win over the environment.

    Returns the exit code. Raises StartError for a wrong setting, a bad profile or an address that cannot be
    had.
    """
    settings = load_settings(**overrides)
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
        raise CannotListen(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from None
    listener.set_inheritable(True)
    return listener


def _run(settings: Settings, listener: socket.socket, metrics_folder: str) -> int:
    config = uvicorn.Config(
        DeferredApplication(settings),
        factory=True,
        workers=settings.workers,
        timeout_worker_healthcheck=HEALTH_CHECK_S,
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


def application(settings: Settings) -> FastAPI:
    """Build the application in the process that serves it."""
    configure_logging(settings.log_level)  # again, since each further process starts without it
    app = create_app(settings)
    # what is loaded now stays: the collector need not walk it again while batches come and go
    gc.collect()
    gc.freeze()
    return app


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Before and after the server has the signal, SIGTERM is an ordinary end."""
    sys.exit(0)
