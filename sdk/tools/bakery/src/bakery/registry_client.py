"""The registry's HTTP API, seen from outside. A registry is not trusted: its answers are bounded and checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar
from urllib.parse import quote, urljoin

import httpx
import msgspec

from bakery.errors import RegistryRefusalError, RegistryUnreachableError
from bakery.limits import ANSWER_BYTES_MAX, ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, COPY_BYTES, ERROR_CHARACTERS_MAX

T = TypeVar("T")


class Me(msgspec.Struct, frozen=True):
    login: str
    is_superuser: bool = False


class Listed(msgspec.Struct, frozen=True):
    """A line of a search."""

    name: str
    description: str | None = None
    downloads: int = 0
    latest_version: str | None = None


class SearchPage(msgspec.Struct, frozen=True):
    total: int
    page: int
    pages: int
    per_page: int
    items: list[Listed]


class ListedParameter(msgspec.Struct, frozen=True):
    type: str = "string"
    optional: bool = False
    description: str | None = None


class ListedVersion(msgspec.Struct, frozen=True):
    num: str
    checksum: str = ""
    size_bytes: int = 0
    description: str | None = None
    parameters: dict[str, ListedParameter] | None = None
    yanked: bool = False
    created_at: str = ""
    authors: tuple[str, ...] | None = None
    repository: str | None = None


class ListedProgram(msgspec.Struct, frozen=True):
    name: str
    versions: list[ListedVersion]
    downloads: int = 0
    owner: str | None = None


class Ticket(msgspec.Struct, frozen=True):
    upload_url: str


class Published(msgspec.Struct, frozen=True):
    name: str
    version: str


class Yanked(msgspec.Struct, frozen=True):
    name: str
    version: str
    yanked: bool


class RegistryClient:
    """Every method raises `RegistryUnreachableError`, or `RegistryRefusalError` with what the registry said.

    transport: how requests travel; tests give their own.
    """

    def __init__(self, url: str, token: str | None = None, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._token = token
        timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._http = httpx.Client(timeout=timeout, transport=transport, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def me(self) -> Me:
        return self._call("GET", "auth/me", Me)

    def search(self, query: str = "", page: int = 1, per_page: int = 20) -> SearchPage:
        return self._call("GET", "inferlets", SearchPage, params={"q": query, "page": page, "per_page": per_page})

    def info(self, name: str) -> ListedProgram:
        return self._call("GET", f"inferlets/{_quoted(name)}", ListedProgram)

    def yank(self, name: str, version: str, *, undo: bool = False) -> Yanked:
        method = "DELETE" if undo else "PUT"
        return self._call(method, f"inferlets/{_quoted(name)}/{quote(version, safe='')}/yank", Yanked)

    def announce(self, fields: dict[str, Any]) -> str:
        """Step 1 of publishing: returns the address to upload to."""
        ticket = self._call("POST", "inferlets/new", Ticket, json=fields)
        return urljoin(f"{self.url}/", ticket.upload_url)

    def upload(self, address: str, pieces: Iterator[bytes], size_bytes: int) -> None:
        """Step 2. The token stays here: the address is its own permission, and may be another machine's."""
        headers = {"Content-Type": "application/wasm", "Content-Length": str(size_bytes)}
        with self._answer("PUT", address, content=pieces, headers=headers):
            pass

    def commit(self, fields: dict[str, Any]) -> Published:
        """Step 3."""
        return self._call("POST", "inferlets/new/commit", Published, json=fields)

    def _call(self, method: str, path: str, type_: type[T], **options: Any) -> T:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        with self._answer(method, f"{self.url}/api/v1/{path}", headers=headers, **options) as answer:
            body = self._read(answer)
        try:
            return msgspec.json.decode(body, type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RegistryUnreachableError(f"{self.url}: this is no registry, or one that we do not understand: {error}") from error

    @contextmanager
    def _answer(self, method: str, url: str, **options: Any) -> Iterator[httpx.Response]:
        try:
            with self._http.stream(method, url, **options) as answer:
                if not answer.is_success:
                    raise RegistryRefusalError(answer.status_code, _detail(answer.status_code, self._read(answer)))
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RegistryUnreachableError(f"{self.url} cannot be reached: {error or type(error).__name__}") from error

    def _read(self, answer: httpx.Response) -> bytes:
        body = bytearray()
        for received in answer.iter_bytes(COPY_BYTES):
            body += received
            if len(body) > ANSWER_BYTES_MAX:
                raise RegistryUnreachableError(
                    f"{self.url}: an answer of more than {ANSWER_BYTES_MAX >> 20} MiB; is this a registry?"
                )
        return bytes(body)


def _detail(status: int, body: bytes) -> str:
    """What a refusal says: our registry's text, or what else can be told."""
    try:
        detail = msgspec.json.decode(body)["detail"]
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError):
        detail = f"the registry answered with status {status}"
    return printable(detail if isinstance(detail, str) else str(detail))[:ERROR_CHARACTERS_MAX]


def printable(text: str) -> str:
    """A registry's text as it may go to a terminal: on one line, without control sequences."""
    return "".join(character if character.isprintable() else " " for character in text)


def _quoted(name: str) -> str:
    """The slash of a scoped name stays."""
    return quote(name, safe="/")
