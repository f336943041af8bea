"""The platform's error tree. A class says what the caller can do; `code` is the word on the wire.

One table (`pie_deploy.api.refusals`) maps codes to HTTP statuses, one (`pie_deploy.cli.exits`) maps them to exit codes.
"""

from collections.abc import Sequence
from typing import ClassVar, Self

import msgspec


class Detail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason among several."""

    code: str
    message: str
    subject: str = ""
    """What it is about: a vertex, an edge, a field, a runtime."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why it was not done."""

    code: str = "internal"
    message: str = ""
    details: tuple[Detail, ...] = ()
    """Every reason, where there are several."""
    hint: str | msgspec.UnsetType = msgspec.UNSET
    """What to do about it, or which names there are; not there where there is nothing to say."""


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """How an error looks on the wire: the body of every answer that is one, and what commands print that were told `--json`."""

    error: Refusal


class DeployError(Exception):
    """Base of every error that the platform raises on purpose. The message is a sentence for a person; `details` lists every
    reason; `hint` says what to do about it, or which names there are.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, details: Sequence[Detail] = (), hint: str = "") -> None:
        super().__init__(message)
        self.details = tuple(details)
        self.hint = hint

    @property
    def message(self) -> str:
        return str(self)

    @property
    def refusal(self) -> Refusal:
        return Refusal(code=self.code, message=self.message, details=self.details, hint=self.hint or msgspec.UNSET)

    def within(self, place: str) -> Self:
        """The same error, with a word before it about where it came up."""
        return type(self)(f"{place}: {self}", self.details, self.hint)


# --- The caller gave something wrong: change it ----------------------------------------------------------------------


class InvalidArgumentError(DeployError):
    code = "invalid_argument"


class ManifestError(DeployError):
    """A component, graph or test manifest that cannot be used; the message names the field."""

    code = "bad_manifest"


class TypeMismatchError(DeployError):
    """Two slots do not unify; the message names the edge, both types and where they part."""

    code = "type_mismatch"


class LiteralError(DeployError):
    """A literal that is not of its slot's type; the message says where."""

    code = "bad_literal"


class GraphIncompleteError(DeployError):
    """The graph cannot be deployed as it is; `details` lists everything that is missing."""

    code = "graph_incomplete"


class SketchPresentError(GraphIncompleteError):
    code = "sketch_present"


class InvalidOperationError(DeployError):
    """An operation does not fit the graph at the head of the log (unknown vertex, occupied input, …)."""

    code = "invalid_operation"


# --- A rule refuses it now -------------------------------------------------------------------------------------------


class NotFoundError(DeployError):
    code = "not_found"


class AlreadyExistsError(DeployError):
    code = "already_exists"


class ConflictError(DeployError):
    """The log's head is not what `If-Match` says."""

    code = "conflict"


class GraphLockedError(DeployError):
    """A topology change while a deployment is live. Fork, or undeploy first."""

    code = "graph_locked"


class DeploymentLiveError(DeployError):
    code = "deployment_live"


class DeploymentStateError(DeployError):
    """The deployment's state does not allow it."""

    code = "deployment_state"


class DeploymentFailedError(DeployError):
    """What was waited for will not come: the deployment has failed, or goes. `details` has what its container said last."""

    code = "deployment_failed"


class LiveTestFailedError(DeployError):
    """The test ran, and what came out is not what it expects; `details` has what was wrong with which step."""

    code = "test_failed"


class PlacementError(DeployError):
    """The runtime cannot take the graph; `details` has every reason, per vertex."""

    code = "placement"


class RuntimeFullError(PlacementError):
    code = "runtime_full"


class RuntimeClassError(PlacementError):
    code = "runtime_class_mismatch"


class RuntimeLockedError(PlacementError):
    code = "runtime_locked"


class LeaseClosedError(DeployError):
    code = "lease_closed"


class LeaseOwnershipError(DeployError):
    """What a lease owns cannot be used like that, or what it does not own cannot enter it."""

    code = "lease_ownership"


# --- Who is asking ---------------------------------------------------------------------------------------------------


class UnauthenticatedError(DeployError):
    code = "unauthenticated"


class ForbiddenError(DeployError):
    code = "forbidden"


# --- Somebody has to help --------------------------------------------------------------------------------------------


class LauncherError(DeployError):
    """A launcher cannot do it: environment not buildable, supervisor not reachable."""

    code = "launcher"


class StorageError(DeployError):
    """The store or the disk refuses: full, gone, corrupt."""

    code = "storage"


class UnreachableError(DeployError):
    """The control plane does not answer."""

    code = "unreachable"


class DeadlineError(DeployError):
    """The time given for waiting is over."""

    code = "timeout"
