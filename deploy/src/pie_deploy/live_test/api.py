"""What a live test needs of the REST API; the command line's client has it. All calls block and raise `pie_deploy.errors`."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import quote

T = TypeVar("T")
Query = str | int | bool | None


class Api(Protocol):
    def get(self, path: str, kind: type[T], **query: Query) -> T: ...

    def items(self, path: str, kind: type[T], **query: Query) -> list[T]:
        """A list's rows."""
        ...

    def post(self, path: str, kind: type[T], body: object = None) -> T: ...

    def upload(self, path: str, kind: type[T], body: bytes | Iterable[bytes], **query: Query) -> T: ...

    def delete(self, path: str, kind: type[T]) -> T: ...

    def download(self, path: str, target: BinaryIO) -> None: ...

    def lines(self, path: str, kind: type[T], *, tail: int) -> Iterator[T]:
        """The last values of an NDJSON stream."""
        ...


def at(*segments: str) -> str:
    """A path of the API; names in it are quoted."""
    return "/v1/" + "/".join(quote(segment, safe="@") for segment in segments)
