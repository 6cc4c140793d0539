"""What every service says about itself: accessibility, privacy and its interface, linked at the foot of each page."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from shared.web.pages import Web

METHODS = ("get", "post", "put", "patch", "delete")
NOTHING: dict[str, Any] = {"summary": "", "description": "", "parameters": [], "responses": {}}


def statement_routes(web: "Web") -> APIRouter:
    """``/<service>/accessibility``, ``/privacy`` and ``/docs``; anybody may read them."""
    routes = APIRouter(prefix=web.root.rstrip("/"), include_in_schema=False)

    async def accessibility(request: Request) -> HTMLResponse:
        return web.render(request, "accessibility.html")

    async def privacy(request: Request) -> HTMLResponse:
        return web.render(request, "privacy.html")

    async def docs(request: Request) -> HTMLResponse:
        schema, openapi = request.app.openapi(), request.app.openapi_url
        asyncapi = (openapi or "").replace("openapi.json", "asyncapi.json")
        known = {"operations": operations(schema), "openapi": openapi, "asyncapi": asyncapi}
        return web.render(request, "docs.html", schema=schema, **known)

    for page in (accessibility, privacy, docs):
        routes.add_api_route(f"/{page.__name__}", page, methods=["GET"])
    return routes


def operations(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What programs can ask, from an OpenAPI document, in its order; what answers with a page is left out."""
    return [
        {"path": path, "method": method.upper(), **NOTHING, **item[method]}
        for path, item in schema.get("paths", {}).items()
        for method in METHODS
        if method in item and not _is_page(item[method])
    ]


def _is_page(operation: dict[str, Any]) -> bool:
    return "text/html" in operation.get("responses", {}).get("200", {}).get("content", {})
