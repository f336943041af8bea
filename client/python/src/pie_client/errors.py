"""The client's error tree. A class says what the caller can do; all are `Exception`s with the engine's own text."""


class PieClientError(Exception):
    """Base of every error that the client raises on purpose."""


# --- The connection: try again, later or elsewhere --------------------------------------------------------------------


class UnreachableError(PieClientError, ConnectionError):
    """No connection could be made. Nothing was asked; start the engine, or try another address."""


class NotConnectedError(PieClientError, ConnectionError):
    """`connect` was not called, the client was closed, or reconnecting was given up. Nothing was asked."""


class ConnectionLostError(PieClientError, ConnectionError):
    """The connection broke after the request was sent and before it was answered: it may have been done or not."""


class ProtocolError(PieClientError):
    """The other side does not speak our protocol, or broke it."""


# --- The engine said no: change the request ---------------------------------------------------------------------------


class RefusedError(PieClientError):
    """The engine refused a request. `reason` is its text alone."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.reason = reason


class LoginError(RefusedError):
    """Wrong user, key or token."""


class InstallError(RefusedError):
    """The program was not installed."""


class LaunchError(RefusedError):
    """The process was not started: unknown program, too many processes, a quota."""


class ProcessNotFoundError(RefusedError):
    """No such process, or it belongs to somebody else."""


# --- A process --------------------------------------------------------------------------------------------------------


class ProcessFailedError(PieClientError, RuntimeError):
    """The process ended with an error."""


class ProcessEndedError(PieClientError):
    """All events of the process have been read."""


class NotCapturedError(PieClientError):
    """The process was launched without capturing its outputs: attach to it to read them."""


# --- This side --------------------------------------------------------------------------------------------------------


class KeyRefusedError(PieClientError, ValueError):
    """A private key that cannot be used."""


class McpServerError(PieClientError):
    """An MCP server that cannot be started or does not speak MCP."""


class VersionNotFoundError(PieClientError):
    """The registry has no version of a program, or does not answer."""
