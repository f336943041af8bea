"""The routes as an OpenAPI document: requests from their structs, answers as far as clients rely on them."""

from functools import cache
from typing import Any

import msgspec

from pie.openai.decoding import REFUSED
from pie.openai.requests import ChatRequest, CompletionRequest, ResponseRequest

Json = dict[str, Any]

_REFERENCE = "#/components/schemas/"


@cache
def openapi() -> bytes:
    """The document, JSON."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Pie: OpenAI-compatible HTTP", "version": "1"},
        "security": [{}, {"key": []}],
        "paths": _paths(),
        "components": {
            "schemas": _requests() | _answers(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key (`pie auth`)."}},
        },
    }
    return msgspec.json.encode(document)


def _paths() -> Json:
    model_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    stored = {"parameters": [model_id]}
    return {
        "/v1/models": {"get": _operation("listModels", "ModelList", errors=(401,))},
        "/v1/models/{id}": {"get": _operation("getModel", "Model", errors=(401, 404)) | stored},
        "/v1/chat/completions": {"post": _generating("createChatCompletion", "ChatRequest", "ChatCompletion")},
        "/v1/completions": {"post": _generating("createCompletion", "CompletionRequest", "Completion")},
        "/v1/responses": {"post": _generating("createResponse", "ResponseRequest", "Response")},
        "/v1/responses/{id}": {
            "get": _operation("getResponse", "Response", errors=(401, 404)) | stored,
            "delete": _operation("deleteResponse", "Deleted", errors=(401, 404)) | stored,
        },
    }


def _generating(name: str, request: str, answer: str) -> Json:
    operation = _operation(name, answer, errors=(400, 401, 404, 408, 413, 429, 500, 503))
    operation["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return operation | {"requestBody": {"required": True, "content": _json(request)}}


def _operation(name: str, answer: str, *, errors: tuple[int, ...]) -> Json:
    responses = {"200": {"description": "The answer.", "content": _json(answer)}}
    responses |= {str(status): {"description": _STATUSES[status], "content": _json("Error")} for status in errors}
    return {"operationId": name, "responses": responses}


_STATUSES = {
    400: "Something in the request is wrong or not supported; `param` names it.",
    401: "No API key, or one that is not known.",
    404: "There is no such thing.",
    408: "The request took too long to arrive.",
    413: "The request is too long.",
    429: "The user's quota is used up; `Retry-After` says for how long.",
    500: "The server failed.",
    503: "The server takes nothing new at the moment.",
}


def _json(name: str) -> Json:
    return {"application/json": {"schema": {"$ref": _REFERENCE + name}}}


def _requests() -> Json:
    kinds = (ChatRequest, CompletionRequest, ResponseRequest)
    _, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE + "{name}")
    for kind in kinds:
        refused = set(REFUSED) - ({"prompt"} if kind is CompletionRequest else set())
        properties = components[kind.__name__]["properties"]
        components[kind.__name__]["properties"] = {name: each for name, each in properties.items() if name not in refused}
    return components


def _answers() -> Json:
    text: Json = {"type": "string"}
    count: Json = {"type": "integer", "minimum": 0}
    anything: Json = {}
    usage: Json = {"type": ["object", "null"]}
    finish = {"enum": ["stop", "length", "tool_calls"]}
    message = _object(role={"const": "assistant"}, content={"type": ["string", "null"]})
    choice = _object(index=count, message=message, finish_reason=finish)
    text_choice = _object(index=count, text=text, finish_reason=finish)
    heading: dict[str, Json] = {"id": text, "created": count, "model": text, "system_fingerprint": text}
    model = _object(id=text, object={"const": "model"}, created=count, owned_by=text)
    error = _object(message=text, type=text, param={"type": ["string", "null"]}, code={"type": ["string", "null"]})
    return {
        "Model": model,
        "ModelList": _object(object={"const": "list"}, data={"type": "array", "items": model}),
        "ChatCompletion": _object(object={"const": "chat.completion"}, choices=_list(choice), usage=usage, **heading),
        "Completion": _object(object={"const": "text_completion"}, choices=_list(text_choice), usage=usage, **heading),
        "Response": _object(
            id=text,
            object={"const": "response"},
            created_at=count,
            model=text,
            status={"enum": ["completed", "incomplete", "failed"]},
            output=_list(anything),
            usage=usage,
        ),
        "Deleted": _object(id=text, object={"const": "response.deleted"}, deleted={"const": True}),
        "Error": _object(error=error),
    }


def _object(**properties: Json) -> Json:
    """All of them are always there."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}
