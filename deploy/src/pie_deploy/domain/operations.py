"""The vocabulary of changes to a graph. An operation is narrow, validated when it lands, recorded with its inverse.

`apply` (in `pie_deploy.domain.apply`) takes a graph and an operation and gives the next graph and the inverse; replaying a log from
the empty
graph is the only way a graph comes to be.
"""

import msgspec


class _Operation(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Not looked at by the garbage collector, which would take half of the time of a replay: there are no cycles in a log."""


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An output slot."""

    vertex: str
    position: int = 0


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An input slot."""

    vertex: str
    position: int = 0


class AddVertex(_Operation, frozen=True, kw_only=True, tag="add-vertex"):
    vertex: str
    component: str | None = None
    """A component version id (callers may write `name@version`; services resolve it before the operation is recorded)."""
    transformation: str | None = None
    """One of the two stands."""
    parameters: dict[str, str] = {}
    """Literals that the shape or the vertex needs from the start."""
    position: tuple[float, float] | None = None


class DeleteVertex(_Operation, frozen=True, kw_only=True, tag="delete-vertex"):
    vertex: str


class Connect(_Operation, frozen=True, kw_only=True, tag="connect"):
    output: Output
    input: Input


class Disconnect(_Operation, frozen=True, kw_only=True, tag="disconnect"):
    output: Output
    input: Input


class ChangeVersion(_Operation, frozen=True, kw_only=True, tag="change-version"):
    vertex: str
    component: str


class ChangeEndpointAlias(_Operation, frozen=True, kw_only=True, tag="change-endpoint-alias"):
    vertex: str
    endpoint: str
    role: str | None = None
    """None takes the alias away."""


class ChangeParameter(_Operation, frozen=True, kw_only=True, tag="change-parameter"):
    vertex: str
    name: str
    value: str | None = None
    """A literal; None unsets it."""


class AddFile(_Operation, frozen=True, kw_only=True, tag="add-file"):
    vertex: str
    slot: str
    file: str
    """File id."""


class RemoveFile(_Operation, frozen=True, kw_only=True, tag="remove-file"):
    vertex: str
    slot: str


class RenameVertex(_Operation, frozen=True, kw_only=True, tag="rename-vertex"):
    """Changes the label; the vertex's name is its id and stays."""

    vertex: str
    label: str


class MoveVertex(_Operation, frozen=True, kw_only=True, tag="move-vertex"):
    vertex: str
    position: tuple[float, float] | None


class SetNote(_Operation, frozen=True, kw_only=True, tag="set-note"):
    vertex: str
    note: str


class RenameBackend(_Operation, frozen=True, kw_only=True, tag="rename-backend"):
    name: str


class Describe(_Operation, frozen=True, kw_only=True, tag="describe"):
    description: str


class RotateEndpoint(_Operation, frozen=True, kw_only=True, tag="rotate-endpoint"):
    """Renews an endpoint's forwarding token; the old URL is 404 from then on. Not undoable: that would revive a leaked URL."""

    vertex: str
    endpoint: str
    count: int = 1
    """How many times at once; a compacted log says it in one entry."""


class RestoreVertex(_Operation, frozen=True, kw_only=True, tag="restore-vertex"):
    """Inverse of `DeleteVertex`: the vertex with everything it had."""

    vertex: str
    component: str | None = None
    transformation: str | None = None
    parameters: dict[str, str] = {}
    files: dict[str, str] = {}
    label: str = ""
    position: tuple[float, float] | None = None
    note: str = ""
    edges: tuple[tuple[Output, Input], ...] = ()
    aliases: dict[str, str] = {}


Operation = (
    AddVertex
    | DeleteVertex
    | Connect
    | Disconnect
    | ChangeVersion
    | ChangeEndpointAlias
    | ChangeParameter
    | AddFile
    | RemoveFile
    | RenameVertex
    | MoveVertex
    | SetNote
    | RenameBackend
    | Describe
    | RotateEndpoint
    | RestoreVertex
)


class OperationRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One entry of a backend's log."""

    backend_id: str
    seq: int
    """1, 2, …; without gaps."""
    operation: Operation
    inverse: Operation | None
    """None: cannot be undone."""
    actor: str
    surface: str = ""
    at_ns: int
    request_id: str = ""
    graph_hash: str
    """Of the graph after the operation."""
    undoes: int | None = None
    """The entry that this one takes back."""
    batch: int = 0
    """Entries of one atomic request carry the seq of its first."""
    group: int = 0
    """Entries that one `connect` became (inserted transformations, their edges) carry the seq of the first of them: they are taken
    back together. 0: it stands for itself.
    """
