"""`POST /reward/{task}` and the mixed `POST /reward`: read the body, decode, score, answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from reward_service.answers import BatchAnswer
from reward_service.openapi import problem_response, request_body
from reward_service.rewards.registry import TASKS
from reward_service.routes.guards import authorise, read_body
from reward_service.wire import BY_TASK, MIXED, Requests

router = APIRouter(tags=["reward"])


def _endpoint(requests: Requests) -> Callable[[Request], Awaitable[Response]]:
    async def score(request: Request) -> Response:
        service = request.app.state.service
        authorise(request, service.settings.api_keys)
        with service.admission:
            body = await read_body(request, service.settings.max_body_bytes)
            answer = await service.scorer.score(requests.decode(body))
        return Response(answer, media_type="application/json")

    return score


def _add(path: str, requests: Requests, summary: str) -> None:
    router.add_api_route(
        path,
        _endpoint(requests),
        methods=["POST"],
        operation_id=f"score_{requests.task.name.replace('-', '_')}" if requests.task else "score_mixed",
        summary=summary,
        response_model=BatchAnswer,
        responses=problem_response(
            "malformed-json",
            "unauthorised",
            "profile-not-served",
            "too-large",
            "invalid-request",
            "overloaded",
        ),
        openapi_extra={"requestBody": request_body(requests), "security": [{}, {"key": []}]},
    )


_add("/reward", MIXED, "Score a mixed batch; each item names its task")
for _name, _task in TASKS.items():
    _add(f"/reward/{_name}", BY_TASK[_name], _task.summary)
