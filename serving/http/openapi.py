"""The OpenAPI description: FastAPI's, with our security schemes, the scope of every route and the form of errors."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from recsys.request import Query
from serving.events.sender import EventSender
from serving.http.problems import MEDIA_TYPE
from serving.http.schemas.catalogue_updates import ItemUpdates
from serving.http.schemas.events import Batch, Event
from serving.http.schemas.privacy import PersonIds
from serving.http.schemas.problem import ProblemAnswer
from serving.security.access import Access
from serving.security.api_keys import SCOPES

_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer sk_..."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key as user name, no password (Segment's SDKs)."},
}
_EXTRA_MODELS: Final = (Batch, Event, ProblemAnswer)
_BODIES: Final = (Query, ItemUpdates, PersonIds)  # that msgspec decodes
_REFERENCE: Final = "#/components/schemas/{model}"


def install_openapi(app: FastAPI, routers: tuple[APIRouter, ...]) -> None:
    """Serve the finished description at /openapi.json."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app, routers)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def scope_of(route: APIRoute) -> str | None:
    """The scope that a route declares, or None where it is open to everybody."""
    scopes = [call.scope for call in _calls(route.dependant) if isinstance(call, (Access, EventSender))]
    return scopes[0] if scopes else None


def json_body(model: type) -> dict[str, Any]:
    """The OpenAPI entry of a body that a handler reads itself, within its own bounds."""
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def _describe(app: FastAPI, routers: tuple[APIRouter, ...]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    _, models = models_json_schema([(model, "validation") for model in _EXTRA_MODELS], ref_template=_REFERENCE)
    schemas = components.setdefault("schemas", {})
    schemas.update(models["$defs"])
    _, bodies = msgspec.json.schema_components(_BODIES, ref_template=_REFERENCE.format(model="{name}"))
    schemas.update(bodies)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in route.methods or ():
                    _finish(document["paths"][route.path_format][method.lower()], scope_of(route))
    return document


def _finish(operation: dict[str, Any], scope: str | None) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    schema = {"$ref": _REFERENCE.format(model=ProblemAnswer.__name__)}
    responses["default"] = {"description": "A problem (RFC 9457).", "content": {MEDIA_TYPE: {"schema": schema}}}
    if scope is not None:
        operation["security"] = [{name: [scope]} for name in _SCHEMES]
        text = operation.get("description", "")
        operation["description"] = f"{text}\n\nScope: `{scope}` ({SCOPES[scope]})."


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _calls(child)
