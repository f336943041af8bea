"""Runtimes: pools of machines that deployments land on."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from pie_deploy.domain.deployment import undeployed
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.manifest import NAME_PATTERN, NAME_RULE
from pie_deploy.domain.placement import Amount, in_use
from pie_deploy.domain.records import Node, Runtime
from pie_deploy.errors import InvalidArgumentError
from pie_deploy.limits import RUNTIME_LABELS_MAX, RUNTIME_NODES_MAX
from pie_deploy.services.actor import Actor
from pie_deploy.services.ledger import Change, Ledger
from pie_deploy.services.lookup import runtime_of
from pie_deploy.services.views import NodeLoad, NodeRequest

_NAME = re.compile(NAME_PATTERN)


class Runtimes:
    """`ref` is a runtime's id or name everywhere."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

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
        _check_names(name, launcher, labels)
        if not 0 < len(nodes) <= RUNTIME_NODES_MAX:
            raise InvalidArgumentError(f"a runtime has 1 to {RUNTIME_NODES_MAX} nodes")
        if crash_budget < 0:
            raise InvalidArgumentError("the crash budget is 0 or more")
        with self._ledger.change(actor) as change:
            id_ = change.new_id("r")
            runtime = Runtime(
                id=id_,
                name=name,
                launcher=launcher,
                labels=tuple(dict.fromkeys(labels)),
                nodes=tuple(_node(id_, number, node) for number, node in enumerate(nodes)),
                expires_at_ns=None if expires is None else change.now_ns + _positive_ns("expires", expires),
                ceiling_ns=None if ceiling is None else _positive_ns("ceiling", ceiling),
                crash_budget=crash_budget,
                crash_window_ns=_positive_ns("crash_window", crash_window),
                created_at_ns=change.now_ns,
            )
            change.rows.put_runtime(runtime)
            change.tell("runtime.created", data={"id": id_, "name": name, "launcher": launcher})
        return runtime

    def list(self, actor: Actor) -> Sequence[Runtime]:
        """By name."""
        with self._ledger.reading() as reading:
            return reading.runtimes()

    def show(self, actor: Actor, ref: str) -> Runtime:
        """Raises NotFoundError."""
        with self._ledger.reading() as reading:
            return runtime_of(reading, ref)

    def load(self, actor: Actor, ref: str) -> Sequence[NodeLoad]:
        """What its nodes have, and what is reserved on them."""
        with self._ledger.reading() as reading:
            runtime = runtime_of(reading, ref)
            used = in_use(reading.containers())
        return [_load(node, used.get(node.id, Amount())) for node in runtime.nodes]

    def lock(self, actor: Actor, ref: str) -> Runtime:
        """No new deployments; those that run go on."""
        return self._change(actor, ref, "runtime.locked", locked=True)

    def unlock(self, actor: Actor, ref: str) -> Runtime:
        return self._change(actor, ref, "runtime.unlocked", locked=False)

    def drain(self, actor: Actor, ref: str) -> Runtime:
        """No new deployments, and those that run are torn down."""
        with self._ledger.change(actor) as change:
            runtime = _changed(change, ref, "runtime.drained", draining=True)
            for deployment in change.rows.deployments(runtime_id=runtime.id):
                if deployment.status == "tearing_down":
                    continue
                message = f"runtime {runtime.name} is drained"
                change.rows.put_deployment(undeployed(deployment, "undeploy", message, change.now_ns))
                change.tell(
                    "deployment.tearing_down",
                    backend_id=deployment.backend_id,
                    deployment_id=deployment.id,
                    data={"reason": "undeploy", "message": message},
                )
        return runtime

    def undrain(self, actor: Actor, ref: str) -> Runtime:
        """Takes new deployments again; what was torn down stays down."""
        return self._change(actor, ref, "runtime.undrained", draining=False)

    def _change(self, actor: Actor, ref: str, event: str, **fields: bool) -> Runtime:
        with self._ledger.change(actor) as change:
            return _changed(change, ref, event, **fields)


def _changed(change: Change, ref: str, event: str, **fields: Any) -> Runtime:
    runtime = replace(runtime_of(change.rows, ref), **fields)
    change.rows.put_runtime(runtime)
    change.tell(event, data={"id": runtime.id, "name": runtime.name})
    return runtime


def _check_names(name: str, launcher: str, labels: Sequence[str]) -> None:
    if len(labels) > RUNTIME_LABELS_MAX:
        raise InvalidArgumentError(f"a runtime has at most {RUNTIME_LABELS_MAX} labels")
    for what, text in (("name", name), ("launcher", launcher), *(("label", label) for label in labels)):
        if not _NAME.fullmatch(text):
            raise InvalidArgumentError(f"{text[:80]!r} cannot be a runtime's {what}", hint=NAME_RULE)


def _node(runtime_id: str, number: int, node: NodeRequest) -> Node:
    if not (0 < node.cpu < float("inf") and node.memory_bytes > 0 and node.gpu >= 0):
        raise InvalidArgumentError("a node has more than 0 cores and bytes of memory, and 0 or more GPUs")
    id_ = f"n{runtime_id.removeprefix('r')}-{number}"
    return Node(id=id_, runtime_id=runtime_id, cpu=node.cpu, memory_bytes=node.memory_bytes, gpu=node.gpu)


def _positive_ns(what: str, text: str) -> int:
    duration_ns = parse_duration(text)
    if duration_ns <= 0:
        raise InvalidArgumentError(f"{what} is more than 0")
    return duration_ns


def _load(node: Node, used: Amount) -> NodeLoad:
    return NodeLoad(
        node_id=node.id,
        cpu=node.cpu,
        cpu_used=used.cpu,
        memory_bytes=node.memory_bytes,
        memory_used_bytes=used.memory_bytes,
        gpu=node.gpu,
        gpu_used=used.gpu,
        lost=node.lost_since_ns is not None,
    )
