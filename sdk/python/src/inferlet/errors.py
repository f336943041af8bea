"""What can go wrong between a program and the engine."""


class HostError(Exception):
    """The engine refused or failed a call. `code` is one of the documented words and safe to compare; the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ContextNotFoundError(HostError):
    """No context is saved under this name."""


class ContextNameTakenError(HostError):
    """A context is already saved under this name."""


class ContextLimitError(HostError):
    """The tokens do not fit the model's longest context."""


class McpError(Exception):
    """An MCP server, or the way to it, answered with an error. `code` is its JSON-RPC number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class LaterVersionError(NotImplementedError):
    """Part of the interface that this version of Pie does not offer yet."""

    def __init__(self, feature: str) -> None:
        super().__init__(f"{feature} is not part of this version of Pie; a later version brings it")
        self.feature = feature


_CLASSES: dict[str, type[HostError]] = {
    "context-not-found": ContextNotFoundError,
    "name-taken": ContextNameTakenError,
    "context-limit": ContextLimitError,
}


def host_error(code: str, message: str) -> HostError:
    return _CLASSES.get(code, HostError)(code, message)
