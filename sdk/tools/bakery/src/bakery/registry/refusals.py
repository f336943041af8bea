"""Errors as HTTP: one table from class to status. Every answer that is not a success is `{"detail": …}`."""

import logging
import math
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from bakery.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    StalledError,
    StoreError,
    TooLargeError,
    TooManyError,
    UnauthenticatedError,
)

_log = logging.getLogger("bakery.registry")

STATUS: dict[type[RefusedError], int] = {
    InvalidRequestError: 422,
    UnauthenticatedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    TooLargeError: 413,
    StalledError: 408,
    TooManyError: 429,
}
_CLOSES = (TooLargeError, StalledError)
"""After these the rest of a body may still come: the connection is of no use."""


def handlers() -> dict[Any, Callable[[Request, Any], Response]]:
    """For Starlette."""
    return {
        RefusedError: _refused,
        StoreError: _broken,
        ClientDisconnect: _gone,
        HTTPException: _by_starlette,
        Exception: _bug,
    }


def _refused(_: Request, error: RefusedError) -> Response:
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, _CLOSES):
        headers["Connection"] = "close"
    return JSONResponse({"detail": str(error)}, STATUS[type(error)], headers)


def _broken(request: Request, error: StoreError) -> Response:
    """What exactly is broken stays in the log: it may name paths and hosts."""
    _log.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": "the registry's database or artifacts cannot be used just now"}, 503, {"Retry-After": "5"})


def _gone(_: Request, _error: ClientDisconnect) -> Response:
    """Nobody reads it."""
    return Response(status_code=400)


def _by_starlette(_: Request, error: HTTPException) -> Response:
    """No such route or method."""
    return JSONResponse({"detail": str(error.detail)}, error.status_code, error.headers)


def _bug(_: Request, _error: Exception) -> Response:
    """Logged by the web server, to which it is passed on."""
    return JSONResponse({"detail": "internal error"}, 500)
