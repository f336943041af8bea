"""How a WebSocket says that it ends (RFC 6455 §7.4). Pure."""

NORMAL, GOING_AWAY, TOO_BIG, INTERNAL, RESTART = 1000, 1001, 1009, 1011, 1012

_REASON_BYTES_MAX = 123
"""What fits into a close frame (§5.5)."""


def proper_code(code: int) -> int:
    """The code, if it may stand in a close frame."""
    is_proper = code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999
    return code if is_proper else NORMAL


def proper_reason(reason: str) -> str:
    return reason.encode()[:_REASON_BYTES_MAX].decode(errors="ignore")
