"""The documentation page; its scripts come with the package, so it works in a closed network."""

from __future__ import annotations

import importlib.resources

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_ASSETS = "/docs/assets"
router.mount(_ASSETS, StaticFiles(directory=str(importlib.resources.files("fastapi_offline") / "static")))


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    """Swagger UI on the OpenAPI document."""
    root = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root}{request.app.openapi_url}",
        title=request.app.title,
        swagger_js_url=f"{root}{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{root}{_ASSETS}/favicon.png",
    )
