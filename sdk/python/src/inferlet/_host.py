"""The door to the engine: the only module that imports the bindings generated from `wit/`.

Inside a component these packages come from componentize-py; the tests put a scripted engine of the same shape in their place.
"""

from collections.abc import Callable
from typing import Any

from componentize_py_types import Err, Ok, Some
from wit_world.imports import chat, context, forward, generate, mcp, model, monotonic_clock, poll, runtime, session, types

from inferlet.errors import host_error

__all__ = [
    "Err",
    "Ok",
    "Some",
    "call",
    "chat",
    "context",
    "forward",
    "generate",
    "mcp",
    "model",
    "monotonic_clock",
    "poll",
    "runtime",
    "session",
    "types",
    "value_of",
]


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a host function returns. Its error arm is raised as `HostError`."""
    try:
        return function(*arguments)
    except Err as fault:
        raise host_error(fault.value.code, fault.value.message) from None


def value_of(result: Any) -> Any:
    """The value in a host function's `result`. Its error arm is raised as `HostError`."""
    if isinstance(result, Err):
        raise host_error(result.value.code, result.value.message)
    return result.value
