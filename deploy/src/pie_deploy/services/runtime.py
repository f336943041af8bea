"""Runtimes: pools of machines that deployments land on."""

from collections.abc import Sequence

from pie_deploy.domain.records import Runtime
from pie_deploy.services.actor import Actor
from pie_deploy.services.views import NodeLoad, NodeRequest


class Runtimes:
    """`ref` is a runtime's id or name everywhere."""

    def create(
        self,
        actor: Actor,
        name: str,
        *,
        launcher: str = "process",
        labels: Sequence[str] = ("cpu",),
        nodes: Sequence[NodeRequest],
        ceiling: str | None = None,
        expires: str | None = None,
        crash_budget: int = 5,
        crash_window: str = "10m",
    ) -> Runtime:
        """Make a runtime. ceiling (the longest life of a deployment), expires (from now) and crash_window are Go durations.

        Raises InvalidArgumentError, AlreadyExistsError.
        """
        raise NotImplementedError

    def list(self, actor: Actor) -> Sequence[Runtime]:
        """By name."""
        raise NotImplementedError

    def show(self, actor: Actor, ref: str) -> Runtime:
        """Raises NotFoundError."""
        raise NotImplementedError

    def load(self, actor: Actor, ref: str) -> Sequence[NodeLoad]:
        """What its nodes have, and what is reserved on them."""
        raise NotImplementedError

    def lock(self, actor: Actor, ref: str) -> Runtime:
        """No new deployments; those that run go on."""
        raise NotImplementedError

    def unlock(self, actor: Actor, ref: str) -> Runtime: ...

    def drain(self, actor: Actor, ref: str) -> Runtime:
        """No new deployments, and those that run are torn down."""
        raise NotImplementedError

    def undrain(self, actor: Actor, ref: str) -> Runtime:
        """Takes new deployments again; what was torn down stays down."""
        raise NotImplementedError
