"""Errors as OpenAI's clients know them: a status, and `{"error": {"message", "type", "param", "code"}}`."""

import math
from dataclasses import dataclass
from typing import Self

import msgspec

from pie.errors import PieError, QuotaError

Header = tuple[bytes, bytes]

INVALID = "invalid_request_error"
RATE_LIMIT = "rate_limit_error"
SERVER = "server_error"

_STATUSES: dict[str, tuple[int, str, str | None]] = {
    "invalid-argument": (400, INVALID, "invalid_value"),
    "invalid-json": (400, INVALID, "invalid_json"),
    "empty-input": (400, INVALID, "invalid_value"),
    "token-out-of-range": (400, INVALID, "invalid_value"),
    "context-limit": (400, INVALID, "context_length_exceeded"),
    "out-of-pages": (400, INVALID, "context_length_exceeded"),
    "template": (400, INVALID, "invalid_value"),
    "grammar": (400, INVALID, "invalid_schema"),
    "constraint": (400, INVALID, "invalid_schema"),
    "model-not-found": (404, INVALID, "model_not_found"),
    "program-not-found": (500, SERVER, "program_not_found"),
    "quota": (429, RATE_LIMIT, "rate_limit_exceeded"),
    "too-many-processes": (429, RATE_LIMIT, "rate_limit_exceeded"),
    "draining": (503, SERVER, "draining"),
    "driver-failed": (503, SERVER, "driver_failed"),
    "driver-lost": (503, SERVER, "driver_lost"),
    "guest": (500, SERVER, "program_failed"),
}
"""Code of a `PieError` → status, type and code of the answer. Every other error is the server's own: 500."""

INTERNAL = "the server failed; its log has the details"


@dataclass(eq=False)
class ApiError(Exception):
    """What is answered instead of a result."""

    status: int
    message: str
    type: str = INVALID
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None

    @classmethod
    def of(cls, error: PieError) -> Self:
        """An error of the engine."""
        status, kind, code = _STATUSES.get(error.code, (500, SERVER, error.code))
        retry_after_s = error.retry_after_s if isinstance(error, QuotaError) else None
        if status in (429, 503) and retry_after_s is None:
            retry_after_s = 1.0
        return cls(status, error.message, kind, None, code, retry_after_s)

    @property
    def body(self) -> bytes:
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})

    @property
    def headers(self) -> list[Header]:
        if self.status == 401:
            return [(b"www-authenticate", b"Bearer")]
        if self.retry_after_s is None:
            return []
        return [(b"retry-after", str(max(1, math.ceil(self.retry_after_s))).encode())]


def invalid(message: str, param: str | None = None, code: str | None = "invalid_value") -> ApiError:
    """Status 400. `param` is the path of the parameter that is wrong."""
    return ApiError(400, message, INVALID, param, code)


def unsupported(param: str, why: str) -> ApiError:
    """Status 400 for a parameter of OpenAI's that would change the answer and that Pie has nothing for."""
    return invalid(f"'{param}' is not supported: {why}", param, "unsupported_parameter")
