"""Operations: what is served, whether it lives, whether it is ready, what it counted, which version it is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from reward_service import VERSION
from reward_service.answers import Catalogue, ProfileEntry, State, TaskEntry, Version
from reward_service.openapi import problem_response
from reward_service.problems import Problem
from reward_service.profiles import Profile
from reward_service.rewards.registry import TASKS, Task
from reward_service.routes.guards import RETRY_AFTER_S, authorise
from reward_service.wire import OPTION_LAYERS

router = APIRouter(tags=["operations"])


@router.get(
    "/rewards", responses=problem_response("unauthorised"), openapi_extra={"security": [{}, {"key": []}]}
)
async def catalogue(request: Request) -> Catalogue:
    """Every task and profile with version, content digest and options."""
    service = request.app.state.service
    authorise(request, service.settings.api_keys)
    return {
        "tasks": [_task_entry(task) for task in TASKS.values()],
        "profiles": [_profile_entry(profile) for profile in service.profiles.all],
        "service": {"version": VERSION, "contract": "1"},
    }


def _task_entry(task: Task) -> TaskEntry:
    return {
        "name": task.name,
        "version": task.version,
        "digest": task.digest,
        "summary": task.summary,
        "options": OPTION_LAYERS[task.name].json_schema(),
        "reference": TypeAdapter(task.shape).json_schema(),
    }


def _profile_entry(profile: Profile) -> ProfileEntry:
    return {
        "name": profile.name,
        "version": profile.version,
        "digest": profile.digest,
        "pin": profile.major,
        "summary": profile.summary,
        "source": profile.source,
        "weights": dict(profile.weights),
        "options": _plain(profile.options),
        "stages": {stage: _plain(layer) for stage, layer in profile.stages.items()},
        "pass_accuracy": profile.pass_accuracy,
        "group_weight": profile.group_weight,
    }


def _plain(layer: Any) -> dict[str, dict[str, Any]]:
    return {task: dict(options) for task, options in layer.items()}


@router.get("/livez")
async def livez() -> State:
    """Answers while the process can answer at all."""
    return {"status": "ok"}


@router.get("/readyz", responses=problem_response("not-ready"))
async def readyz(request: Request) -> State:
    """Whether requests are wanted: not while the verifier starts, nor after SIGTERM."""
    reason = request.app.state.service.readiness.reason
    if reason is not None:
        raise Problem("not-ready", reason, headers={"Retry-After": str(RETRY_AFTER_S)})
    return {"status": "ready"}


@router.get("/version")
async def version() -> Version:
    """The service's version and the major of the contract it speaks."""
    return {"version": VERSION, "contract": "1"}


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus text"}
    },
)
async def metrics(request: Request) -> Response:
    """The metrics in Prometheus' text format."""
    telemetry = request.app.state.service.telemetry
    telemetry.restarts(request.app.state.service.verifier.restarts)
    return Response(telemetry.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")
