"""Backends: typed graphs whose log of operations is the only truth. One lock per backend puts its changes in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pie_deploy.domain.operations import Operation, OperationRecord
from pie_deploy.domain.records import Backend
from pie_deploy.services.actor import Actor
from pie_deploy.services.views import Appended, AppliedDocument, BackendView, EndpointView

if TYPE_CHECKING:
    from pie_deploy.domain.document import GraphDocument


class Backends:
    """`ref` is a backend's id or name everywhere."""

    def create(self, actor: Actor, name: str, lease: str | None = None) -> Backend:
        """An empty graph. Raises InvalidArgumentError for a name out of form, AlreadyExistsError, NotFoundError and
        LeaseClosedError for the lease.
        """
        raise NotImplementedError

    def list(self, actor: Actor) -> Sequence[Backend]:
        """By name; deleted ones not."""
        raise NotImplementedError

    def show(self, actor: Actor, ref: str) -> BackendView:
        """The graph at the head of the log, with resolved types and what it lacks for a deployment."""
        raise NotImplementedError

    def append(
        self,
        actor: Actor,
        ref: str,
        operations: Sequence[Operation],
        *,
        if_match: int | None = None,
        bridge: bool = True,
    ) -> Appended:
        """Append a batch: all of it or nothing. Component names in it are resolved to version ids before anything is recorded; a
        `connect` between types that do not unify may insert transformations (with `bridge`), which are listed in the answer.

        if_match: the head's seq as the caller knows it.
        Raises ConflictError (the head is not `if_match`), GraphLockedError (a topology change while a deployment is live;
        nothing is recorded), InvalidOperationError, TypeMismatchError, LiteralError, NotFoundError, LeaseOwnershipError,
        InvalidArgumentError (an empty or too long batch).
        """
        raise NotImplementedError

    def operations(
        self, actor: Actor, ref: str, *, after: int = 0, limit: int | None = None, vertex: str | None = None
    ) -> Sequence[OperationRecord]:
        """The log after a seq, oldest first; of one vertex: what names it."""
        raise NotImplementedError

    def undo(self, actor: Actor, ref: str, count: int = 1) -> Appended:
        """Take back the last `count` operations that are not taken back yet, by appending their inverses. Raises
        InvalidOperationError when one of them cannot be undone or there are not so many, GraphLockedError.
        """
        raise NotImplementedError

    def compact(self, actor: Actor, ref: str) -> Backend:
        """Rewrite the log to the shortest that gives the same graph; the old one is archived. Cannot be undone. Raises
        DeploymentLiveError while there is a deployment (it pins a seq).
        """
        raise NotImplementedError

    def fork(self, actor: Actor, ref: str, name: str, *, at: int | None = None, lease: str | None = None) -> Backend:
        """A backend of its own with the log of another one up to `at` (default: all of it): its aliases, values and bindings,
        none of its URLs and deployments. Raises NotFoundError, AlreadyExistsError, InvalidArgumentError (no such seq),
        LeaseOwnershipError when the original belongs to another lease.
        """
        raise NotImplementedError

    def delete(self, actor: Actor, ref: str) -> None:
        """Retire its URLs; the log stays in the archive. Raises DeploymentLiveError while there is a deployment."""
        raise NotImplementedError

    def endpoints(self, actor: Actor, ref: str) -> Sequence[EndpointView]:
        """The published endpoints: one per alias, with the URL that outlives deployments. By role."""
        raise NotImplementedError

    def apply(
        self, actor: Actor, ref: str, document: GraphDocument, *, dry_run: bool = False, lease: str | None = None
    ) -> AppliedDocument:
        """Make a backend what a document says, by appending the operations that are missing; what the document lacks goes. A
        backend of that id or name that does not exist is created. Raises what `create` and `append` raise.
        """
        raise NotImplementedError

    def export(self, actor: Actor, ref: str) -> GraphDocument:
        """The graph as a document; the inverse of `apply`."""
        raise NotImplementedError

    def diff(self, actor: Actor, ref: str, other: str) -> Sequence[Operation]:
        """What would have to be appended to `ref` to make its graph that of `other`."""
        raise NotImplementedError
