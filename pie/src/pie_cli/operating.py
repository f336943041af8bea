"""A session with a running server, for the verbs that look after it."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pie.errors import ServerError

if TYPE_CHECKING:
    from pie_client import ParsedPrivateKey, PieClient

T = TypeVar("T")


def ask(url: str | None, username: str | None, key_path: Path | None, question: Callable[["PieClient"], Awaitable[T]]) -> T:
    """What a server answers to a question. Raises `ServerError`."""

    async def answer() -> T:
        async with session(url, username, key_path) as client:
            return await question(client)

    return asyncio.run(answer())


@asynccontextmanager
async def session(url: str | None, username: str | None, key_path: Path | None) -> AsyncIterator["PieClient"]:
    """A client, logged in. Raises `ServerError`, also for what the server refuses meanwhile."""
    from pie_client import LoginError, PieClient, PieClientError, UnreachableError

    target = url or configured_url()
    key = None if key_path is None else _key(key_path)
    try:
        async with PieClient(target) as client:
            await client.authenticate(username or _own_name(), key)
            yield client
    except LoginError as error:
        hint = "" if key_path else "; show your key with --private-key-path"
        raise ServerError(f"{target}: {error}{hint}") from error
    except UnreachableError as error:  # it names the address
        raise ServerError(str(error)) from error
    except PieClientError as error:
        raise ServerError(f"{target}: {error}") from error


def _key(path: Path) -> "ParsedPrivateKey":
    from pie_client import KeyRefusedError, ParsedPrivateKey

    try:
        return ParsedPrivateKey.from_file(path)
    except KeyRefusedError as error:
        raise ServerError(f"{path}: {error}") from error
    except OSError as error:
        raise ServerError(f"{path}: cannot be read: {error.strerror}") from error


def configured_url() -> str:
    """Where the server of this machine's configuration listens."""
    from pie.config import file, home
    from pie.server.listening import url

    server = file.load(home.from_environment()).server
    return url("wss" if server.tls_cert else "ws", server.host, server.port)


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a user id without a name
        raise ServerError("who are you? say so with --username") from error
