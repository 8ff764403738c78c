"""The API described in OpenAPI 3.1, made from the table of routes and from the very models that validate."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from incidents.levels.periods import FORMS
from statuspage.web.auth import Access
from statuspage.web.bodies import Problem
from statuspage.web.once import KEY_HEADER
from statuspage.web.problems import title
from statuspage.web.route import Route

Json = dict[str, Any]

_PREFIX = "/api/v1"
_REF = "#/components/schemas/{model}"
_ID: Json = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_NUMBER: Json = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
_KEY: Json = {
    "name": KEY_HEADER,
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key with the same request gets the first answer again; with another request 422. Kept for a day.",
}
_PAGING: Sequence[Json] = (
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}},
    {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "The `next` of the page before."},
)
_OPEN: Json = {
    "name": "open",
    "in": "query",
    "schema": {"type": "string", "enum": ["true", "false"]},
    "description": "Only open, or only closed ones.",
}
_SPAN: Sequence[Json] = tuple(
    {"name": name, "in": "query", "schema": {"type": "string", "format": "date-time"}} for name in ("since", "until")
)
_PERIOD: Json = {
    "name": "period",
    "in": "query",
    "schema": {"type": "string"},
    "description": f"One such as {FORMS}; without it the present period of the promise.",
}
_ADDRESS: Json = {"name": "address", "in": "query", "schema": {"type": "string"}, "description": "Only whoever is told at this address."}
_SERVICE: Json = {"name": "service", "in": "query", "schema": {"type": "string"}, "description": "Only those of this service."}
_TICKET: Json = {"name": "ticket", "in": "query", "schema": {"type": "string"}, "description": "All that is kept of this one."}
_QUERY: Mapping[str, Sequence[Json]] = {
    "list_incidents": (_OPEN, *_PAGING),
    "list_impairments": _PAGING,
    "list_audit": _PAGING,
    "list_callers": (_SERVICE, _TICKET, *_PAGING),
    "list_changes": (_SERVICE, *_PAGING),
    "list_reports": (_SERVICE, *_PAGING),
    "list_subscribers": (_ADDRESS, *_PAGING),
    "list_corrections": _PAGING,
    "list_maintenances": _SPAN,
    "list_advisories": _PAGING,
    "show_availability": _SPAN,
    "show_service_level": (_PERIOD,),
}
_ALWAYS_ONCE = frozenset({"hear_alertmanager"})
"""What changes nothing when it is sent again, and needs no key for that."""
_NAMING_ANOTHER = frozenset({"log_caller"})
"""What is about something that its body names and that may be unknown."""
_WRITING = (400, 401, 403, 409, 413, 415, 422, 503)
_REFUSALS: Mapping[str, tuple[int, ...]] = {"GET": (401, 403, 422), "POST": _WRITING, "PATCH": _WRITING, "DELETE": (401, 403, 503)}


def describe(routes: Sequence[Route]) -> Json:
    """Describe the API's part of *routes*. The models of the bodies become the components' schemas."""
    shown = [route for route in routes if route.path.startswith(_PREFIX)]
    paths: dict[str, Json] = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Status page: the desk's API", "version": "1"},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(shown),
            "responses": {str(status): _problem(status) for status in sorted({404, *_REFUSALS["GET"], *_REFUSALS["POST"]})},
        },
    }


def _schemas(routes: Sequence[Route]) -> Json:
    taken = [(route.takes, "validation") for route in routes if route.takes]
    given = [(route.gives, "serialization") for route in routes if route.gives]
    _, schema = models_json_schema([*taken, *given, (Problem, "serialization")], ref_template=_REF)  # type: ignore[list-item]
    found: Json = schema["$defs"]
    return found


def _operation(route: Route) -> Json:
    name = route.handler.__name__
    refusals = (*_REFUSALS[route.method], *((404,) if "{id}" in route.path or name in _NAMING_ANOTHER else ()))
    operation: Json = {
        "operationId": name,
        "summary": (route.handler.__doc__ or "").splitlines()[0],
        "parameters": _parameters(route, name),
        "responses": {
            str(route.status): _answer(route),
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(refusals)},
        },
    }
    if route.takes:
        operation["requestBody"] = {"required": bool(route.takes.model_fields), "content": _content(route.takes)}
    if route.policy is Access.PUBLIC:
        operation["security"] = []
    return operation


def _parameters(route: Route, name: str) -> list[Json]:
    named = [told for word, told in (("{id}", _ID), ("{number}", _NUMBER)) if word in route.path]
    return [*named, *_QUERY.get(name, ()), *([_KEY] if route.takes and name not in _ALWAYS_ONCE else [])]


def _answer(route: Route) -> Json:
    content = _content(route.gives) if route.gives else {"application/json": {"schema": {"type": "object"}}}
    return {"description": title(route.status), "content": content}


def _content(model: type[BaseModel]) -> Json:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}


def _problem(status: int) -> Json:
    schema = {"$ref": _REF.format(model=Problem.__name__)}
    return {"description": title(status), "content": {"application/problem+json": {"schema": schema}}}
