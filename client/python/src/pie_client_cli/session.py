"""A client that is logged in, for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pie_client.client import PieClient
from pie_client.errors import KeyRefusedError, LoginError
from pie_client.keys import ParsedPrivateKey
from pie_client.results import ListedProcess
from pie_client_cli.failure import CommandError
from pie_client_cli.settings import Settings, key_path


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator[PieClient]:
    """Raises `CommandError`, `PieClientError`."""
    key, why_none = _key(settings)
    async with PieClient(settings.uri) as client:
        try:
            await client.authenticate(settings.user, key)
        except LoginError as error:
            raise CommandError(f"{error}{why_none}") from error
        yield client


async def found(client: PieClient, prefix: str) -> ListedProcess:
    """The running process whose id begins so. Raises `CommandError` if there is none, or several."""
    matching = [process for process in await client.list_processes() if process.id.startswith(prefix.lower())]
    if not matching:
        raise CommandError(f"no running process of yours has an id that begins with {prefix!r}")
    if len(matching) > 1:
        ids = "\n".join(f"  {process.id}  {process.program}" for process in matching)
        raise CommandError(f"several processes begin with {prefix!r}:\n{ids}")
    return matching[0]


def _key(settings: Settings) -> tuple[ParsedPrivateKey | None, str]:
    """The key; if there is none, why, for the case that one is needed. A key that was named must be good."""
    path = key_path(settings, Path.home())
    if path is None:
        return None, "\n(no key was found in ~/.ssh; --private-key-path names one)" if settings.enable_auth else ""
    try:
        return ParsedPrivateKey.from_file(path), ""
    except (KeyRefusedError, OSError) as error:
        if settings.private_key_path:
            raise CommandError(f"the private key {path} cannot be used: {error}") from error
        return None, f"\n(the key {path} cannot be used: {error})"
