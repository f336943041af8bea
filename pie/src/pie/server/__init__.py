"""The server: `from pie.server import Server`. It is imported when it is asked for: its parts are used without it, too."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pie.server.server import Server

__all__ = ["Server"]


def __getattr__(name: str) -> object:
    if name != "Server":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pie.server.server import Server

    return Server
