"""The HTTP API's JSON, both ways. Bodies of requests that do not fit are refused with the path of the field."""

from typing import Any, TypeVar

import msgspec

from bakery.errors import InvalidRequestError
from pie_wire.manifest import Parameter

T = TypeVar("T")


class NewRequest(msgspec.Struct, frozen=True):
    """Step 1 of publishing."""

    name: str
    version: str
    checksum: str
    size_bytes: int
    description: str | None = None


class CommitRequest(msgspec.Struct, frozen=True):
    """Step 3: step 1's fields, and what the version says of itself.

    manifest: the `Pie.toml` as it is; then it alone says so, but for the readme. Clients of Pie 0.4 send no manifest and each field
    by itself.
    """

    name: str
    version: str
    checksum: str
    size_bytes: int
    description: str | None = None
    manifest: str | None = None
    runtime: dict[str, str] | None = None
    parameters: dict[str, Parameter] | None = None
    dependencies: dict[str, str] | None = None
    authors: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    repository: str | None = None
    readme: str | None = None


class Ticket(msgspec.Struct, frozen=True):
    """Answer to step 1."""

    upload_url: str
    storage_path: str
    expires_in_seconds: int


class Published(msgspec.Struct, frozen=True):
    """Answer to step 3."""

    id: int
    name: str
    version: str
    storage_path: str


class Me(msgspec.Struct, frozen=True):
    id: int
    login: str
    name: str
    avatar_url: str
    is_superuser: bool


class SearchItem(msgspec.Struct, frozen=True):
    id: int
    name: str
    description: str
    downloads: int
    latest_version: str
    created_at: str


class SearchAnswer(msgspec.Struct, frozen=True):
    total: int
    page: int
    pages: int
    per_page: int
    items: list[SearchItem]


class VersionInfo(msgspec.Struct, frozen=True):
    num: str
    checksum: str
    size_bytes: int
    description: str
    runtime: dict[str, str]
    parameters: dict[str, Parameter]
    dependencies: dict[str, str]
    wit: str | None
    yanked: bool
    created_at: str
    authors: tuple[str, ...]
    keywords: tuple[str, ...]
    repository: str
    readme: str


class ProgramInfo(msgspec.Struct, frozen=True):
    id: int
    name: str
    owner: str
    downloads: int
    created_at: str
    latest_version: str | None
    versions: list[VersionInfo]


class YankAnswer(msgspec.Struct, frozen=True):
    name: str
    version: str
    yanked: bool


def decode(body: bytes, type_: type[T]) -> T:
    """A request's body as a struct. Raises `InvalidRequestError`, which names the field."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequestError("the body is not valid JSON") from error


def encode(answer: Any) -> bytes:
    return msgspec.json.encode(answer)
