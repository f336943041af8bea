"""The platform's REST API from a command line: typed answers, the platform's errors, streams as they come."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from pie_deploy import errors
from pie_deploy.config.target import URL_VARIABLE, Target, target
from pie_deploy.errors import DeadlineError, DeployError, ErrorBody, Refusal, UnreachableError

T = TypeVar("T")

ANSWER_S = 60.0
"""Until an answer begins: checking a graph of ten thousand vertices takes seconds."""
CONNECT_S = 5.0
CHUNK_BYTES = 1 << 20
ERROR_BYTES_MAX = 4 << 20
LINE_BYTES_MAX = 16 << 20
"""Of a stream: rows and events have some kilobytes."""

UP = "start it with: pie up"

Query = str | int | bool | None


def connect(chosen: Target | None = None) -> "Client":
    """To the control plane of this user, or the one that the environment names. Raises UnreachableError when it is not up."""
    found = chosen or target()
    hint = UP if found.address is not None else f"{URL_VARIABLE} says that it is there"
    return Client(found.url, found.credential, find=target if chosen is None else None, hint=hint)


class Client:
    """One connection to the API, as a context manager. Methods raise `pie_deploy.errors`."""

    def __init__(
        self,
        url: str,
        credential: str,
        transport: httpx.BaseTransport | None = None,
        find: Callable[[], Target] | None = None,
        hint: str = UP,
    ) -> None:
        """find: where the platform is now; None: always at `url`. hint: what to do when it does not answer."""
        self._hint = hint
        self._left: list[httpx.Client] = []
        self._transport = transport
        self._find = find
        self._reach(url, credential)

    def _reach(self, url: str, credential: str) -> None:
        self._url = url
        self._http = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {credential}", "user-agent": "pie"},
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            transport=self._transport,
            trust_env=False,  # a proxy of the environment is not for loopback
        )

    def find_again(self) -> None:
        """After the platform has gone: it may come up at another port, with another key. Where it is not up, nothing changes."""
        with suppress(UnreachableError):
            found = self._find() if self._find is not None else None
            if found is not None and found.url != self._url:
                self._left.append(self._http)  # another thread may be using it
                self._reach(found.url, found.credential)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for client in (self._http, *self._left):
            client.close()

    def get(self, path: str, kind: type[T], **query: Query) -> T:
        return self._answer("GET", path, kind, params=_query(query))

    def items(self, path: str, kind: type[T], **query: Query) -> list[T]:
        """A list's rows."""
        answer = self._answer("GET", path, dict[str, msgspec.Raw], params=_query(query))
        return msgspec.json.decode(answer.get("items", b"[]"), type=list[kind])  # type: ignore[valid-type]

    def post(self, path: str, kind: type[T], body: object = None, *, headers: Mapping[str, str] | None = None, **query: Query) -> T:
        content = b"" if body is None else msgspec.json.encode(body)
        sent = {"content-type": "application/json", **(headers or {})}
        return self._answer("POST", path, kind, params=_query(query), content=content, headers=sent)

    def upload(self, path: str, kind: type[T], body: bytes | Iterable[bytes], **query: Query) -> T:
        """Bytes, as they are or as they come."""
        headers = {"content-type": "application/octet-stream"}
        return self._answer("POST", path, kind, params=_query(query), content=body, headers=headers, timeout=None)

    def delete(self, path: str, kind: type[T]) -> T:
        return self._answer("DELETE", path, kind)

    def download(self, path: str, target: BinaryIO) -> None:
        with self._response("GET", path) as response:
            for chunk in response.iter_bytes(CHUNK_BYTES):
                target.write(chunk)

    def lines(self, path: str, kind: type[T], *, method: str = "GET", body: object = None, **query: Query) -> Iterator[T]:
        """The values of an NDJSON stream."""
        decoder = msgspec.json.Decoder(kind)
        settings: dict[str, Any] = {"params": _query(query)}
        if body is not None:
            settings |= {"content": msgspec.json.encode(body), "headers": {"content-type": "application/json"}}
        with self._response(method, path, **settings) as response:
            for line in lines_of(response.iter_bytes()):
                if line:
                    yield self._decoded(decoder.decode, line)

    def events(self, path: str, kind: type[T], **query: Query) -> Iterator[T]:
        """The values of a stream of server-sent events."""
        decoder = msgspec.json.Decoder(kind)
        with self._response("GET", path, params=_query(query), headers={"accept": "text/event-stream"}) as response:
            for data in event_data(lines_of(response.iter_bytes())):
                yield self._decoded(decoder.decode, data)

    def _answer(self, method: str, path: str, kind: type[T], **settings: Any) -> T:
        with self._heard():
            response = self._http.request(method, path, **settings)
        if response.is_error:
            raise refusal(response.status_code, response.content)
        if kind is type(None):
            return None
        return self._decoded(msgspec.json.Decoder(kind).decode, response.content)

    @contextmanager
    def _response(self, method: str, path: str, **settings: Any) -> Iterator[httpx.Response]:
        """One that may take for ever."""
        with (
            self._heard(),
            self._http.stream(method, path, timeout=httpx.Timeout(None, connect=CONNECT_S), **settings) as response,
        ):
            if response.is_error:
                raise refusal(response.status_code, response.read()[:ERROR_BYTES_MAX])
            yield response

    @contextmanager
    def _heard(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise UnreachableError(f"the platform does not answer at {self._url}", hint=self._hint) from error
        except httpx.TimeoutException as error:
            raise DeadlineError(f"the platform at {self._url} takes too long to answer") from error
        except httpx.TransportError as error:
            raise UnreachableError(f"the platform at {self._url} has gone", hint=self._hint) from error

    def _decoded(self, decode: Callable[[bytes], T], data: bytes) -> T:
        try:
            return decode(data)
        except msgspec.MsgspecError as error:
            raise DeployError(f"the platform at {self._url} gave an answer that this `pie` does not understand: {error}") from error


def at(*segments: str) -> str:
    """A path of the API; names in it are quoted. Raises InvalidArgumentError for an empty one: it would name something else."""
    if not all(segments):
        raise errors.InvalidArgumentError("a name cannot be empty")
    return "/v1/" + "/".join(quote(segment, safe="@") for segment in segments)


def given(body: Mapping[str, object]) -> dict[str, object]:
    """A body without what was not said."""
    return {name: value for name, value in body.items() if value is not None}


def refusal(status: int, body: bytes) -> DeployError:
    """The error that the API tells."""
    try:
        told = msgspec.json.decode(body, type=ErrorBody).error
    except msgspec.MsgspecError:
        return DeployError(f"the platform answers {status}: {body[:200].decode(errors='replace')}")
    return error_of(told)


def error_of(told: Refusal) -> DeployError:
    """The error that was told, also one of a newer control plane."""
    kind = ERRORS.get(told.code, DeployError)
    return kind(told.message or told.code, told.details, told.hint or "")


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines that end with a newline and nothing else: what ends lines in other places may stand inside of JSON. What has no end
    is left out. Raises DeployError for one without measure.
    """
    begun = b""
    for piece in pieces:
        *whole, begun = (begun + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)
        if len(begun) > LINE_BYTES_MAX:
            raise DeployError(f"the platform gave a line of more than {LINE_BYTES_MAX >> 20} MiB")


def event_data(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The data of server-sent events."""
    data: list[bytes] = []
    for line in lines:
        if line.startswith(b"data:"):
            data.append(line.removeprefix(b"data:").removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data = []


def chunks(path: Path) -> Iterator[bytes]:
    """A file as it is read. Raises InvalidArgumentError."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise errors.InvalidArgumentError(f"{path}: cannot be read: {error.strerror}") from error


def _tree(kind: type[DeployError]) -> Iterator[type[DeployError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


ERRORS: Mapping[str, type[DeployError]] = {kind.code: kind for kind in _tree(DeployError)}
"""By the word on the wire."""


def _query(query: Mapping[str, Query]) -> dict[str, str | int]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items() if value is not None}
