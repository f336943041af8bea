"""The OpenAPI document, from the handlers: msgspec describes the types exactly as it decodes them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.response import File, Stream
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from pie_deploy.api.component import ARCHIVE
from pie_deploy.api.file import BINARY
from pie_deploy.api.health import TEXT
from pie_deploy.api.permission import permission_of
from pie_deploy.api.refusals import CODES
from pie_deploy.api.streams import EVENTS, NDJSON
from pie_deploy.errors import ErrorBody

JSON = "application/json"

_REFERENCE = "#/components/schemas/{name}"

_PROVIDED = frozenset({"self", "services", "actor", "uploads", "routed", "living", "parts", "request"})
"""Arguments of handlers that do not come from the caller."""

_REFUSALS: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "The request is not one",
    HTTPStatus.UNAUTHORIZED: "No API key, or one that is nobody's",
    HTTPStatus.FORBIDDEN: "Not with your role, or not yours",
    HTTPStatus.NOT_FOUND: "There is no such thing",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not with this method",
    HTTPStatus.CONFLICT: "A rule refuses it now",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body's media type is not taken",
    HTTPStatus.UNPROCESSABLE_ENTITY: "What was given cannot be used",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A bug of the platform",
    HTTPStatus.SERVICE_UNAVAILABLE: "Somebody has to help, or wait",
    HTTPStatus.GATEWAY_TIMEOUT: "It took too long",
}

_BODIES: Mapping[str, str] = {"/v1/files": BINARY, "/v1/components": BINARY}
"""Bodies that are bytes, by path."""

_ANSWERS: Mapping[str, str] = {
    "/v1/files/{ref}/content": BINARY,
    "/v1/components/{ref}/archive": ARCHIVE,
    "/v1/deployments/{ref}/wait": NDJSON,
    "/v1/deployments/{ref}/events": EVENTS,
    "/v1/containers/{container_id}/logs": NDJSON,
    "/metrics": TEXT,
}
"""Answers that are no JSON document, by path."""

_CONSTRAINTS: Mapping[str, str] = {
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "description": "description",
}


@dataclass(frozen=True, slots=True)
class _Operation:
    path: str
    method: str
    handler: HTTPRouteHandler

    @property
    def function(self) -> Callable[..., Any]:
        """What was written, also where it runs in a thread."""
        function: Callable[..., Any] = getattr(self.handler.fn, "func", self.handler.fn)
        return getattr(function, "func", function)

    @property
    def fields(self) -> Mapping[str, FieldDefinition]:
        return {name: field for name, field in self.handler.parsed_fn_signature.parameters.items() if name not in _PROVIDED}

    @property
    def body(self) -> Any:
        field = self.fields.get("data")
        return None if field is None else _without_none(field.annotation)

    @property
    def answer(self) -> Any:
        """The type of a JSON answer; None: it is none."""
        found = self.handler.parsed_return_field.annotation
        if get_origin(found) is Response:
            (found,) = get_args(found)
        return None if found in (None, type(None), File, Stream) or self.path in _ANSWERS else found


def document(application: Litestar) -> dict[str, Any]:
    """The whole document."""
    operations = sorted(_operations(application), key=lambda operation: (operation.path, operation.method))
    types = [kind for operation in operations for kind in (operation.body, operation.answer) if kind is not None]
    schemas, components = _schemas([*types, ErrorBody])
    components["Refusal"]["properties"]["code"] = {"type": "string", "enum": sorted(CODES)}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pie deployments", "version": "1"},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _operations(application: Litestar) -> Iterator[_Operation]:
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.include_in_schema is not False:
                    yield from (_Operation(route.path_format, method.lower(), handler) for method in sorted(handler.http_methods))


def _schemas(types: Sequence[Any]) -> tuple[Mapping[Any, dict[str, Any]], dict[str, Any]]:
    """Each type's schema, and what they refer to."""
    found, components = msgspec.json.schema_components(types, ref_template=_REFERENCE, schema_hook=_anything)
    return dict(zip(types, found, strict=True)), components


def _anything(kind: type) -> dict[str, Any]:
    """What a result or an event has to say is up to whoever says it."""
    if kind is object:
        return {"description": "Any JSON."}
    raise NotImplementedError


def _described(operation: _Operation, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    summary = (operation.function.__doc__ or "").strip()
    noun = _noun(operation.path)
    described: dict[str, Any] = {"operationId": f"{noun}_{operation.function.__name__}", "summary": summary, "tags": [noun]}
    parameters = list(_parameters(operation))
    if parameters:
        described["parameters"] = parameters
    body = _body(operation, schemas)
    if body is not None:
        described["requestBody"] = body
    permission = permission_of(operation.handler)
    if permission is not None:
        described["security"] = [{"key": []}]
        described["x-permission"] = permission.value
    described["responses"] = _responses(operation, schemas)
    return described


def _noun(path: str) -> str:
    """`backends` of `/v1/backends/{ref}/undo`; what has no version is about health."""
    segments = path.split("/")
    return segments[2].replace("-", "_") if segments[1] == "v1" else "health"


def _parameters(operation: _Operation) -> Iterator[dict[str, Any]]:
    for name, field in operation.fields.items():
        if name not in ("data", "body"):
            yield _parameter(operation.path, name, field)


def _parameter(path: str, name: str, field: FieldDefinition) -> dict[str, Any]:
    settings = field.kwarg_definition
    assert isinstance(settings, ParameterKwarg), f"{path}: {name}"
    place = settings.param_type.value
    schema = msgspec.json.schema(_without_none(field.annotation))
    said = {word: value for key, word in _CONSTRAINTS.items() if (value := getattr(settings, key)) is not None}
    description = said.pop("description", "")
    return {
        "name": settings.name or name,
        "in": place,
        "required": place == "path" or not (field.has_default or field.is_optional),
        "description": description,
        "schema": {**schema, **said},
    }


def _without_none(kind: Any) -> Any:
    """What stands in a URL is there or is not; it is never null."""
    left = [one for one in get_args(kind) if one is not type(None)]
    return left[0] if len(left) == 1 and type(None) in get_args(kind) else kind


def _body(operation: _Operation, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any] | None:
    if operation.method != "post":
        return None
    media_type = _BODIES.get(operation.path)
    if media_type is not None:
        return {"required": True, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}
    if operation.body is None:
        return None
    is_required = not operation.fields["data"].is_optional
    return {"required": is_required, "content": {JSON: {"schema": schemas[operation.body]}}}


def _responses(operation: _Operation, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    status = HTTPStatus(operation.handler.status_code)
    success: dict[str, Any] = {"description": status.phrase}
    media_type = _ANSWERS.get(operation.path)
    if media_type is not None:
        success["content"] = {media_type: {"schema": {"type": "string"}}}
    elif operation.answer is not None:
        success["content"] = {JSON: {"schema": schemas[operation.answer]}}
    responses = {str(refusal.value): _refusal(words, schemas) for refusal, words in _REFUSALS.items()}
    if operation.path == "/readyz":
        responses["503"] = {**success, "description": "Not yet"}
    return {str(status.value): success, **responses}


def _refusal(words: str, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    return {"description": words, "content": {JSON: {"schema": schemas[ErrorBody]}}}
