"""Errors become answers, `pie_deploy.errors.ErrorBody`; the one table of codes and HTTP statuses."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from pie_deploy.errors import DeployError, Detail, ErrorBody, Refusal

log = logging.getLogger(__name__)

STATUSES: Mapping[str, int] = {
    "invalid_argument": 422,
    "bad_manifest": 422,
    "type_mismatch": 422,
    "bad_literal": 422,
    "graph_incomplete": 422,
    "sketch_present": 422,
    "invalid_operation": 422,
    "not_found": 404,
    "already_exists": 409,
    "conflict": 409,
    "graph_locked": 409,
    "deployment_live": 409,
    "deployment_state": 409,
    "deployment_failed": 409,
    "test_failed": 409,
    "placement": 409,
    "runtime_full": 409,
    "runtime_class_mismatch": 409,
    "runtime_locked": 409,
    "lease_closed": 409,
    "lease_ownership": 409,
    "unauthenticated": 401,
    "forbidden": 403,
    "launcher": 503,
    "storage": 503,
    "unreachable": 503,
    "timeout": 504,
    "internal": 500,
}
"""Of every code of `pie_deploy.errors`."""

_CODES: Mapping[int, str] = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
}
"""Of what goes wrong before a service is asked."""

CODES = frozenset(STATUSES) | frozenset(_CODES.values())


def error_body(code: str, message: str, details: tuple[Detail, ...] = (), hint: str = "") -> bytes:
    return msgspec.json.encode(ErrorBody(error=Refusal(code=code, message=message, details=details, hint=hint or msgspec.UNSET)))


def headers_of(code: str) -> dict[str, str]:
    return {"www-authenticate": "Bearer"} if code == "unauthenticated" else {}


def on_deploy_error(request: Request[Any, Any, Any], error: DeployError) -> Response[bytes]:
    status = STATUSES.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", request.method, request.url.path, error, exc_info=error)
    body = error_body(error.code, error.message, error.details, error.hint)
    return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers_of(error.code))


def on_http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses: no such path, no such method, a body that is not of the type."""
    code = _CODES.get(error.status_code, "invalid_argument" if error.status_code < 500 else "internal")
    details = _details(error.extra) if isinstance(error, ValidationException) else ()
    return _response(error.status_code, code, _summary(details) or error.detail, details, dict(error.headers or {}))


def on_any_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A bug of ours. The caller learns that, and nothing about our insides."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "something went wrong inside the platform; see its log", (), {})


def _summary(details: Sequence[Detail]) -> str:
    """The framework only says which request it was, which the caller knows."""
    if not details:
        return ""
    first = f"{details[0].subject}: {details[0].message}" if details[0].subject else details[0].message
    return first + (f" (and {len(details) - 1} more)" if len(details) > 1 else "")


def _details(extra: object) -> tuple[Detail, ...]:
    if not isinstance(extra, list):
        return ()
    rows = [row for row in extra if isinstance(row, dict)]
    return tuple(
        Detail(code="invalid_argument", message=str(row.get("message", "")), subject=str(row.get("key", ""))) for row in rows
    )


def _response(status: int, code: str, message: str, details: tuple[Detail, ...], headers: dict[str, str]) -> Response[bytes]:
    return Response(error_body(code, message, details), status_code=status, media_type=MediaType.JSON, headers=headers)
