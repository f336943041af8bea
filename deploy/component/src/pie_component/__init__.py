"""What the author of a component imports.

from pie_component import config, run

def scale(value: float) -> float:
    return value * config.factor

run(scale)
"""

from typing import TYPE_CHECKING, Any

from pie_component.author import author as _author
from pie_component.author import cache_folder, generated, run
from pie_component.errors import ComponentError, ConfigError, GoneError, NotInContainerError
from pie_component.logs import log

if TYPE_CHECKING:
    from pie_component.endpoints.http import AsyncRequest, AsyncWebSocket, Request, Response, WebSocket

config = _author.config
files = _author.files
endpoint = _author.endpoint
ready = _author.ready
virtual_input = _author.virtual_input
virtual_out = _author.virtual_out

__all__ = [
    "AsyncRequest",
    "AsyncWebSocket",
    "ComponentError",
    "ConfigError",
    "GoneError",
    "NotInContainerError",
    "Request",
    "Response",
    "WebSocket",
    "cache_folder",
    "config",
    "endpoint",
    "files",
    "generated",
    "log",
    "ready",
    "run",
    "virtual_input",
    "virtual_out",
]


def __getattr__(name: str) -> Any:
    """The classes of endpoints, imported by those who have any."""
    if name in ("AsyncRequest", "AsyncWebSocket", "Request", "Response", "WebSocket"):
        from pie_component.endpoints import http

        return getattr(http, name)
    raise AttributeError(name)
