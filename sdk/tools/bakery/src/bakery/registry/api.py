"""The routes, under `/api/v1`. Everything that blocks happens in threads. docs/registry.md lists them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bakery.errors import (
    InvalidRequestError,
    NotFoundError,
    StalledError,
    StoreError,
    TooLargeError,
    TooManyError,
    UnauthenticatedError,
)
from bakery.limits import (
    ADDRESSES_MAX,
    BODY_IDLE_S,
    JSON_BYTES_MAX,
    PAGE_MAX,
    PER_PAGE_DEFAULT,
    PER_PAGE_MAX,
    QUERY_CHARACTERS_MAX,
    REFUSED_TOKENS_BURST,
    REFUSED_TOKENS_PER_S,
    REQUEST_TIMEOUT_S,
    SEND_BYTES,
    UPLOAD_EXPIRES_S,
)
from bakery.registry import answers
from bakery.registry.accounts import Accounts
from bakery.registry.artifacts import Artifacts
from bakery.registry.guard import address
from bakery.registry.messages import CommitRequest, NewRequest, Published, Ticket, YankAnswer, decode, encode
from bakery.registry.names import ProgramName, checked_version
from bakery.registry.publishing import Address, Publishing
from bakery.registry.records import Artifact, User
from bakery.registry.store import Store
from bakery.registry.throttle import Throttle
from bakery.registry.tokens import bearer, is_upload_id

T = TypeVar("T")
PREFIX = "/api/v1"
_NO_GITHUB = """\
This registry has no login by GitHub.

Ask its administrator for a token (he runs `bakery registry token YOUR-NAME` on the registry's machine), then

    bakery login --registry {url}

and paste the token.
"""


@dataclass(slots=True)
class Api:
    """What the routes work on."""

    store: Store
    accounts: Accounts
    artifacts: Artifacts
    publishing: Publishing
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    public_url: str = ""
    """How clients reach this server, if not as the request says."""
    refused_tokens: Throttle = field(default_factory=lambda: Throttle(REFUSED_TOKENS_PER_S, REFUSED_TOKENS_BURST, ADDRESSES_MAX))

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.healthz),
            Route(f"{PREFIX}/auth/me", self.me),
            Route(f"{PREFIX}/auth/github", self.github),
            Route(f"{PREFIX}/auth/github/callback", self.github),
            Route(f"{PREFIX}/inferlets", self.search),
            Route(f"{PREFIX}/inferlets/new", self.announce, methods=["POST"]),
            Route(f"{PREFIX}/inferlets/new/commit", self.commit, methods=["POST"]),
            Route(f"{PREFIX}/uploads/{{upload}}", self.put, methods=["PUT"]),
            *self._program_routes("{name}"),
            *self._program_routes("{scope}/{name}"),
        ]

    def _program_routes(self, name: str) -> list[Route]:
        program = f"{PREFIX}/inferlets/{name}"
        return [
            Route(f"{program}/{{version}}/manifest", self.manifest),
            Route(f"{program}/{{version}}/download", self.download),
            Route(f"{program}/{{version}}/yank", self.yank, methods=["PUT", "DELETE"]),
            Route(program, self.info),
        ]

    # Looking

    async def healthz(self, _: Request) -> Response:
        await _threaded(self.store.check)
        return PlainTextResponse("ok\n")

    async def search(self, request: Request) -> Response:
        query = request.query_params.get("q", "")
        if len(query) > QUERY_CHARACTERS_MAX or "\0" in query:
            raise InvalidRequestError(f"q: at most {QUERY_CHARACTERS_MAX} characters, and no NUL")
        page = _number(request, "page", 1, PAGE_MAX)
        per_page = _number(request, "per_page", PER_PAGE_DEFAULT, PER_PAGE_MAX)
        found = await _threaded(lambda: self.store.search(query, page, per_page))
        return _json(answers.search(found, page, per_page))

    async def info(self, request: Request) -> Response:
        """Encoded in the thread too: a thousand versions are megabytes."""
        name = _name(request)
        return await _threaded(lambda: _json(answers.info(self.store.program(name))))

    async def manifest(self, request: Request) -> Response:
        artifact = await self._artifact(request)
        return Response(artifact.manifest, media_type="application/toml")

    async def download(self, request: Request) -> Response:
        """The component. Yanked ones too: whoever asks by version has pinned it."""
        artifact = await self._artifact(request)
        headers = {
            "Content-Length": str(artifact.size_bytes),
            "ETag": f'"{artifact.checksum}"',
            "X-Checksum-Sha256": artifact.checksum,
        }
        if request.method == "HEAD":
            return Response(media_type="application/wasm", headers=headers)
        file = await _threaded(lambda: self.artifacts.open(artifact.checksum))
        try:
            await _threaded(lambda: self.store.count_download(_name(request)))
        except BaseException:
            file.close()
            raise
        return _Download(file, headers)

    # Publishing

    async def announce(self, request: Request) -> Response:
        user = await self._user(request)
        asked = decode(await _body(request), NewRequest)
        put = await _threaded(lambda: self.publishing.announce(user, asked, self.now()))
        query = urlencode({"expires": put.expires_s, "signature": put.signature})
        url = f"{self._url(request)}{PREFIX}/uploads/{put.upload}?{query}"
        return _json(Ticket(upload_url=url, storage_path=_storage_path(asked.checksum), expires_in_seconds=UPLOAD_EXPIRES_S))

    async def put(self, request: Request) -> Response:
        """Needs no token: the address is signed, as that of any object store."""
        query = request.query_params
        expires = query.get("expires", "")
        if not (expires.isascii() and expires.isdigit() and len(expires) < 16):
            raise InvalidRequestError("expires: must be a number")
        if not is_upload_id(request.path_params["upload"]):
            raise NotFoundError("no such upload")
        put = Address(request.path_params["upload"], int(expires), query.get("signature", ""))
        await self.publishing.put(put, request.stream(), self.now())
        return Response(status_code=200)

    async def commit(self, request: Request) -> Response:
        user = await self._user(request)
        asked = decode(await _body(request), CommitRequest)
        id_ = await _threaded(lambda: self.publishing.commit(user, asked, self.now()))
        return _json(Published(id=id_, name=asked.name, version=asked.version, storage_path=_storage_path(asked.checksum)))

    async def yank(self, request: Request) -> Response:
        """PUT hides a version from search and from bare names, DELETE shows it again. Twice is as good as once."""
        user = await self._user(request)
        name, version, yanked = _name(request), _version(request), request.method == "PUT"
        await _threaded(lambda: self.store.set_yanked(user, name, version, yanked=yanked))
        return _json(YankAnswer(name=name, version=version, yanked=yanked))

    # Who is it

    async def me(self, request: Request) -> Response:
        return _json(answers.me(await self._user(request)))

    async def github(self, request: Request) -> Response:
        return PlainTextResponse(_NO_GITHUB.format(url=self._url(request)))

    async def _user(self, request: Request) -> User:
        """Raises `UnauthenticatedError`; `TooManyError` to somebody who tries tokens."""
        token, client = bearer(request.headers.get("authorization", "")), address(request.scope)
        if token is None:
            raise UnauthenticatedError("a token is needed: `bakery login`")
        if wait_s := self.refused_tokens.wait_s(client, self.monotonic()):
            raise TooManyError("too many wrong tokens", wait_s)
        user = await _threaded(lambda: self.accounts.user_of(token, self.now()))
        if user is None:
            self.refused_tokens.take(client, self.monotonic())
            raise UnauthenticatedError("the token is unknown, expired or revoked: ask for a new one, then `bakery login`")
        return user

    async def _artifact(self, request: Request) -> Artifact:
        name, version = _name(request), _version(request)
        return await _threaded(lambda: self.store.artifact(name, version))

    def _url(self, request: Request) -> str:
        return self.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"


class _Download(StreamingResponse):
    """Sends a file piece by piece, and closes it whatever happens."""

    def __init__(self, file: BinaryIO, headers: dict[str, str]) -> None:
        self._file = file
        super().__init__(self._pieces(), media_type="application/wasm", headers=headers)

    async def __call__(self, *arguments: Any) -> None:
        try:
            await super().__call__(*arguments)
        finally:
            await asyncio.shield(asyncio.to_thread(self._file.close))

    async def _pieces(self) -> AsyncIterator[bytes]:
        while piece := await asyncio.to_thread(self._file.read, SEND_BYTES):
            yield piece


async def _threaded(call: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            return await asyncio.to_thread(call)
    except TimeoutError as error:
        raise StoreError("the database or the artifacts take too long") from error


async def _body(request: Request) -> bytes:
    """Of a JSON request. Raises `TooLargeError`, `StalledError`."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_IDLE_S):
            async for received in request.stream():
                body += received
                if len(body) > JSON_BYTES_MAX:
                    raise TooLargeError(f"a body of more than {JSON_BYTES_MAX} bytes")
    except TimeoutError as error:
        raise StalledError(f"the body did not come within {BODY_IDLE_S:g} s") from error
    return bytes(body)


def _name(request: Request) -> str:
    parts = request.path_params
    text = f"{parts['scope']}/{parts['name']}" if "scope" in parts else parts["name"]
    try:
        return str(ProgramName.parse(text))
    except InvalidRequestError as error:
        raise NotFoundError("no such program: that is no program name") from error


def _version(request: Request) -> str:
    try:
        return checked_version(request.path_params["version"])
    except InvalidRequestError as error:
        raise NotFoundError("no such version: that is no version") from error


def _number(request: Request, field_name: str, default: int, most: int) -> int:
    text = request.query_params.get(field_name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise InvalidRequestError(f"{field_name}: must be a number from 1 to {most}")
    return int(text)


def _storage_path(checksum: str) -> str:
    return f"components/{checksum[:2].lower()}/{checksum.lower()}"


def _json(answer: msgspec.Struct) -> Response:
    return Response(encode(answer), media_type="application/json")
