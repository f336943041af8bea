"""What the WebSocket side of the server tells about itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubStatistics:
    """The first eight are as of now, the others counts since the start."""

    connections: int
    sessions: int
    """Connections that have logged in."""
    processes: int
    """Held for clients: attached, detached and kept ones."""
    attached: int
    kept_results: int
    kept_bytes: int
    uploads_bytes: int
    """Of uploads and files whose last chunk has not come, and of programs being compiled."""
    requests_waiting: int
    """Behind others of their connection."""
    connections_refused: int
    """Over the limit, or while closing."""
    logins_refused: int
    frames_in: int
    frames_out: int
    frames_bad: int
    """That were no message."""
    messages_ignored: int
    """Signals, files and MCP answers that nobody was there for."""


@dataclass(slots=True)
class Counters:
    """The counts in the making."""

    connections_refused: int = 0
    logins_refused: int = 0
    frames_in: int = 0
    frames_out: int = 0
    frames_bad: int = 0
    messages_ignored: int = 0
