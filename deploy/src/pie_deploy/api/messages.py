"""What is sent to the API, and what answers that are no row or view look like."""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from litestar.params import PathParameter, QueryParameter

from pie_deploy.domain.document import GraphDocument
from pie_deploy.domain.operations import Operation
from pie_deploy.domain.role import Role
from pie_deploy.limits import API_REF_LENGTH_MAX, API_SEQ_MAX
from pie_deploy.services.views import NodeRequest

T = TypeVar("T")

NAME_OR_ID = r"^[^\x00-\x1f\x7f]+$"

Ref = Annotated[str, PathParameter(pattern=NAME_OR_ID, min_length=1, max_length=API_REF_LENGTH_MAX, description="A name or an id.")]
OtherRef = Annotated[
    str, QueryParameter(pattern=NAME_OR_ID, min_length=1, max_length=API_REF_LENGTH_MAX, description="A name or an id.")
]
RefOrNone = Annotated[
    str | None, QueryParameter(pattern=NAME_OR_ID, min_length=1, max_length=API_REF_LENGTH_MAX, description="A name or an id.")
]
Seq = Annotated[int, QueryParameter(ge=0, le=API_SEQ_MAX, description="Only what came after this sequence number.")]
Limit = Annotated[int, QueryParameter(ge=1, le=API_SEQ_MAX, description="No more than so many.")]
LimitOrNone = Annotated[int | None, QueryParameter(ge=1, le=API_SEQ_MAX, description="No more than so many.")]
Status = Literal["deploying", "running", "failed", "tearing_down", "gone"]
WaitFor = Annotated[Status, QueryParameter(description="What to wait for.")]
Count = Annotated[int, msgspec.Meta(ge=1, le=API_SEQ_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=API_REF_LENGTH_MAX)]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Items(msgspec.Struct, Generic[T], frozen=True):
    """A list."""

    items: list[T]


class NamedItems(msgspec.Struct, Generic[T], frozen=True):
    """A list of operations, and what people call the versions (`name@version`) and files that they name by id."""

    items: list[T]
    names: dict[str, str]


class CreateBackend(_Body, frozen=True, kw_only=True):
    name: Text
    lease: Text | None = None


class AppendOperations(_Body, frozen=True, kw_only=True):
    """All of them or none."""

    operations: tuple[Operation, ...]
    bridge: bool = True
    """Whether `connect` may insert transformations."""


class Undo(_Body, frozen=True, kw_only=True):
    count: Count = 1


class Fork(_Body, frozen=True, kw_only=True):
    name: Text
    at: Annotated[int, msgspec.Meta(ge=0, le=API_SEQ_MAX)] | None = None
    """Up to this operation; default: all."""
    lease: Text | None = None


class Apply(_Body, frozen=True, kw_only=True):
    document: GraphDocument
    dry_run: bool = False
    lease: Text | None = None


class Deploy(_Body, frozen=True, kw_only=True):
    runtime: Text | None = None
    debug: bool = False
    fixed_duration: Text | None = None
    startup_timeout: Text | None = None
    lease: Text | None = None


class Redeploy(_Body, frozen=True, kw_only=True):
    runtime: Text | None = None
    debug: bool | None = None


class CreateRuntime(_Body, frozen=True, kw_only=True):
    name: Text
    launcher: Text = "process"
    labels: tuple[str, ...] = ("cpu",)
    nodes: tuple[NodeRequest, ...]
    ceiling: Text | None = None
    expires: Text | None = None
    crash_budget: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 5
    crash_window: Text = "10m"


class CreateLease(_Body, frozen=True, kw_only=True):
    runtime: Text | None = None
    ttl: Text | None = None
    label: str = ""


class PromoteFromLease(_Body, frozen=True, kw_only=True):
    resources: tuple[Text, ...]
    with_deps: bool = False


class CreateKey(_Body, frozen=True, kw_only=True):
    role: Role
    name: Text = ""
    """Default: its id."""
    expires: Text | None = None
    """From now, such as 30d or 12h; default: 90d."""
    user: Text | None = None
    """As whom it asks; default: you. Others are for owners."""


class LinkFile(_Body, frozen=True, kw_only=True):
    lease: Text
