"""The application: `create_app(settings)` puts profiles, verifier, engine and routes together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_service import VERSION
from reward_service.isolation import Workers
from reward_service.openapi import install_openapi
from reward_service.problems import Kind, Problem, respond
from reward_service.profiles import Profiles, load_profiles
from reward_service.readiness import Readiness, draining_on_sigterm
from reward_service.rewards.score import VerifierFailed
from reward_service.routes import docs, operations, reward
from reward_service.routes.guards import Admission
from reward_service.scoring import Scorer
from reward_service.settings import Settings
from reward_service.telemetry import Telemetry, log

RESTART_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes share; they find it as `request.app.state.service`."""

    settings: Settings
    profiles: Profiles
    admission: Admission
    scorer: Scorer
    verifier: Workers
    telemetry: Telemetry
    readiness: Readiness


def create_app(settings: Settings) -> FastAPI:
    """Build the application. Raises BadProfile when a profile file cannot be used."""
    profiles = load_profiles(settings.profiles_dir)
    telemetry = Telemetry()
    verifier = Workers(
        settings.verifier_processes, settings.verifier_timeout_s, settings.verifier_memory_bytes
    )
    scorer = Scorer(profiles, verifier, telemetry)
    app = FastAPI(
        title="Plumbline reward service",
        summary="Verifiable rewards for reinforcement learning of vision-language models",
        version=VERSION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    admission = Admission(settings.max_concurrent_requests)
    app.state.service = Service(settings, profiles, admission, scorer, verifier, telemetry, Readiness())
    for module in (reward, operations, docs):
        app.include_router(module.router)
    install_openapi(app)
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_failure)
    app.add_middleware(Measured, telemetry=telemetry)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    log(logging.INFO, "started", version=VERSION, profiles=[p.major for p in service.profiles.all])
    with draining_on_sigterm(service.readiness, service.settings.drain_s):
        warming = asyncio.create_task(_warm_up(service))
        yield
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await service.verifier.stop()
    log(logging.INFO, "stopped")


async def _warm_up(service: Service) -> None:
    """Start the verifier, again where it did not come up; until then the service is not ready."""
    while not await _verifier_started(service):
        await asyncio.sleep(RESTART_PAUSE_S)
    service.readiness.warmed_up()


async def _verifier_started(service: Service) -> bool:
    try:
        await service.verifier.start()
    except VerifierFailed as error:
        log(logging.ERROR, "verifier_not_started", error)
        await service.verifier.stop()
        return False
    return True


async def _answer_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return respond(error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Routing errors of the framework: no such path, or not with that method."""
    if not isinstance(error, HTTPException):
        raise error
    kind: Kind = "method-not-allowed" if error.status_code == 405 else "not-found"
    return respond(Problem(kind, f"{request.method} {request.url.path}", headers=error.headers))


async def _answer_failure(request: Request, error: Exception) -> Response:
    """What nobody foresaw; the server logs it with its traceback."""
    return respond(Problem("internal", "The request was not scored; the service's log has the cause."))


class Measured:
    """Counts every answer by route and status."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and time it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        code = 500

        async def note(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._telemetry.request(route, code, time.perf_counter() - began)
