"""A registry, as the engine sees it: which versions a program has, and their bytes. It is not trusted.

    GET /api/v1/inferlets/{name}                       versions, checksums, what is yanked
    GET /api/v1/inferlets/{name}/{version}/manifest
    GET /api/v1/inferlets/{name}/{version}/download

Names may be `user/name`. Answers are bounded in size and time, come from the registry's own address only, and hold what was asked
for: a component must have the checksum that its version is listed with, a manifest the name and version.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import msgspec

from pie.errors import RegistryError
from pie.limits import (
    PROGRAM_BYTES_MAX,
    REGISTRY_ANSWER_BYTES_MAX,
    REGISTRY_ANSWER_TIMEOUT_S,
    REGISTRY_CONNECT_TIMEOUT_S,
    REGISTRY_CONNECTIONS_MAX,
    REGISTRY_DOWNLOAD_TIMEOUT_S,
    REGISTRY_ERROR_CHARACTERS_MAX,
    REGISTRY_READ_TIMEOUT_S,
)
from pie.programs.shelf import version_number
from pie_wire.errors import ManifestError
from pie_wire.limits import MANIFEST_LENGTH_MAX
from pie_wire.manifest import is_version, parse

_API = "/api/v1"
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_BYTES_PER_CHARACTER_MAX = 4


class Release(msgspec.Struct, frozen=True):
    """A version as the registry lists it."""

    num: str
    checksum: str = ""
    """SHA-256 of the component, in hex."""
    size_bytes: int | None = None
    yanked: bool = False


class _Listed(msgspec.Struct, frozen=True):
    versions: list[Release]


@dataclass(frozen=True, slots=True)
class Releases:
    """All versions of one program."""

    by_version: dict[str, Release]

    @property
    def latest(self) -> Release | None:
        """What a bare name means. None: there is none that is not yanked."""
        offered = [release for release in self.by_version.values() if not release.yanked]
        return max(offered, key=lambda release: version_number(release.num), default=None)


@dataclass(frozen=True, slots=True)
class Pulled:
    """A program as the registry sent it, verified."""

    manifest_text: str
    component: bytes


class Registry:
    """Every method raises `RegistryError`. To be closed."""

    def __init__(self, url: str, *, bytes_max: int = PROGRAM_BYTES_MAX, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`url` with or without `/api/v1`. Components of more than `bytes_max` are refused. `transport` is how requests travel."""
        self.url = url.rstrip("/").removesuffix(_API)
        self._bytes_max = bytes_max
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(REGISTRY_READ_TIMEOUT_S, connect=REGISTRY_CONNECT_TIMEOUT_S, pool=None),
            limits=httpx.Limits(max_connections=REGISTRY_CONNECTIONS_MAX),
            transport=transport,
            headers={"Accept-Encoding": "identity"},  # a small answer must not become a large one
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def releases(self, name: str) -> Releases | None:
        """The versions of a program; None if the registry knows none of that name."""
        async with self._answer(_path(name), REGISTRY_ANSWER_TIMEOUT_S) as answer:
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            body = await self._body(answer, REGISTRY_ANSWER_BYTES_MAX)
        try:
            listed = msgspec.json.decode(body, type=_Listed)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._error(f"is no registry, or one that we do not understand: {error}") from error
        return Releases({release.num: release for release in listed.versions if is_version(release.num)})

    async def pull(self, name: str, release: Release) -> Pulled:
        """The program, verified: nothing of one that is not as listed comes back."""
        if not _CHECKSUM.fullmatch(release.checksum.lower()):
            raise self._error(f"lists {name}@{release.num} without a SHA-256 checksum")
        manifest_text = await self.manifest(name, release)
        return Pulled(manifest_text, await self._component(name, release))

    async def manifest(self, name: str, release: Release) -> str:
        """The version's `Pie.toml`: of this name and version, and well-formed."""
        async with self._answer(_path(name, release.num, "manifest"), REGISTRY_ANSWER_TIMEOUT_S) as answer:
            body = await self._body(answer, MANIFEST_LENGTH_MAX * _BYTES_PER_CHARACTER_MAX)
        try:
            text = body.decode()
            said = parse(text).id
        except (UnicodeDecodeError, ManifestError) as error:
            raise self._error(f"sent an unusable manifest for {name}@{release.num}: {error}") from error
        if (said.name, said.version) != (name.rpartition("/")[2], release.num):
            raise self._error(f"sent the manifest of {said} for {name}@{release.num}")
        return text

    async def _component(self, name: str, release: Release) -> bytes:
        hasher = hashlib.sha256()
        bytes_max = self._bytes_max if release.size_bytes is None else min(self._bytes_max, release.size_bytes)
        async with self._answer(_path(name, release.num, "download"), REGISTRY_DOWNLOAD_TIMEOUT_S) as answer:
            component = await self._body(answer, bytes_max, hasher.update)
        if hasher.hexdigest() != release.checksum.lower():
            raise self._error(f"sent another component for {name}@{release.num} than it lists: the checksum differs")
        return component

    @asynccontextmanager
    async def _answer(self, path: str, timeout_s: float) -> AsyncIterator[httpx.Response]:
        """The answer to a GET, its body still to be read: a success, or not found."""
        try:
            async with asyncio.timeout(timeout_s), self._http.stream("GET", f"{self.url}{_API}/inferlets/{path}") as answer:
                await self._check(answer)
                yield answer
        except TimeoutError as error:
            raise self._error(f"took more than {timeout_s:g} s for an answer") from error
        except httpx.TimeoutException as error:
            raise self._error("does not answer in time") from error
        except httpx.UnsupportedProtocol as error:
            raise self._error("is no address that begins with http:// or https://") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._error(f"cannot be reached: {error or type(error).__name__}") from error

    async def _check(self, answer: httpx.Response) -> None:
        if answer.is_redirect:
            raise self._error(f"wants to send us to {_printable(answer.headers.get('location', 'nowhere'))}, which is not followed")
        if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
            raise self._error(f"answered with status {answer.status_code}: {await self._detail(answer)}")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise self._error("sends compressed answers, which it was not asked for")

    async def _body(self, answer: httpx.Response, bytes_max: int, piece_came: Callable[[bytes], None] | None = None) -> bytes:
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise self._error("does not have what it lists")
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > bytes_max:
                raise self._error(f"sends more than {bytes_max} bytes, the most that is taken here")
            if piece_came is not None:
                piece_came(piece)
        return bytes(body)

    async def _detail(self, answer: httpx.Response) -> str:
        """What an error says for people."""
        try:
            body = await self._body(answer, REGISTRY_ANSWER_BYTES_MAX)
            return _printable(str(msgspec.json.decode(body)["detail"]))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
            return "it does not say why"

    def _error(self, problem: str) -> RegistryError:
        return RegistryError(f"the registry {self.url} {problem}")


def _path(name: str, *parts: str) -> str:
    return "/".join([quote(name, safe="/"), *parts])


def _printable(text: str) -> str:
    """A registry's text as it may go to a terminal: short, on one line, without control sequences."""
    return "".join(character if character.isprintable() else " " for character in text[:REGISTRY_ERROR_CHARACTERS_MAX])
