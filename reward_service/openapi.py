"""The OpenAPI document: FastAPI's own, plus the request bodies, which the routes read raw."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from reward_service.answers import ProblemDetails
from reward_service.problems import KINDS, MEDIA_TYPE, Kind
from reward_service.wire import BY_TASK, MIXED, OPTION_LAYERS, Requests

Json = dict[str, Any]  # a part of an OpenAPI document
_REF = "#/components/schemas/{model}"


def request_body(requests: Requests) -> Json:
    """The requestBody of a route: one of its forms."""
    references = [{"$ref": _REF.format(model=model.__name__)} for model in _forms(requests)]
    schema = {"anyOf": references} if len(references) > 1 else references[0]
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def problem_response(*kinds: Kind) -> dict[int | str, Json]:
    """The responses of a route that are problem details."""
    schema = {"$ref": _REF.format(model="ProblemDetails")}
    return {
        KINDS[kind][0]: {"description": KINDS[kind][1], "content": {MEDIA_TYPE: {"schema": schema}}}
        for kind in kinds
    }


def _forms(requests: Requests) -> list[type[BaseModel]]:
    return [requests.items, requests.columns] if requests.columns else [requests.items]


def _schemas() -> Json:
    forms = [form for requests in (MIXED, *BY_TASK.values()) for form in _forms(requests)]
    _, document = models_json_schema([(form, "validation") for form in forms], ref_template=_REF)
    schemas: Json = document["$defs"]
    problem = TypeAdapter(ProblemDetails).json_schema(ref_template=_REF)
    schemas |= {**problem.pop("$defs"), "ProblemDetails": problem}
    schemas["MixedRequest"]["properties"]["options"] |= {"anyOf": [_any_tasks_options(), {"type": "null"}]}
    return schemas


def _any_tasks_options() -> Json:
    """Options of a mixed batch: those of all tasks; a name of several tasks takes what any of them takes."""
    properties: dict[str, list[Json]] = {}
    for layer in OPTION_LAYERS.values():
        for name, schema in layer.json_schema(ref_template=_REF)["properties"].items():
            known = properties.setdefault(name, [])
            if schema not in known:
                known.append(schema)
    merged = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in properties.items()}
    return {"type": "object", "properties": merged, "additionalProperties": False}


def install_openapi(app: FastAPI) -> None:
    """Make `app.openapi()` give the whole document, made once."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            components = document.setdefault("components", {})
            components["schemas"] = dict(sorted({**components.get("schemas", {}), **_schemas()}.items()))
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
