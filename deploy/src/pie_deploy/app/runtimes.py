"""The runtimes of the configuration become rows, and each kind of runtime gets its launcher."""

from collections.abc import Mapping

from msgspec.structs import replace

from pie_deploy.clock import Clock
from pie_deploy.config import Config, Home, RuntimeConfig
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.records import Node, Runtime
from pie_deploy.launchers.fake import FakeLauncher
from pie_deploy.launchers.process import ProcessLauncher
from pie_deploy.launchers.process.machine import describe_machine
from pie_deploy.ports.launcher import Launcher, Retention
from pie_deploy.ports.store import Store
from pie_deploy.services.actor import PLATFORM
from pie_deploy.services.runtime import Runtimes
from pie_deploy.services.views import NodeRequest

FAKE_NODE = NodeRequest(cpu=64.0, memory_bytes=256 << 30)
"""What a machine has that is none."""


def record(config: Config, runtimes: Runtimes, store: Store) -> None:
    """Those of the configuration are as it says. What was locked or is being drained stays so; others stay as they are."""
    known = {row.name: row for row in runtimes.list(PLATFORM)}
    for name, chosen in config.runtimes.items():
        row = known.get(name) or runtimes.create(PLATFORM, name, launcher=chosen.launcher, nodes=(capacity(chosen),))
        with store.transaction() as transaction:
            transaction.put_runtime(as_configured(row, chosen))


def as_configured(row: Runtime, chosen: RuntimeConfig) -> Runtime:
    return replace(
        row,
        launcher=chosen.launcher,
        labels=tuple(dict.fromkeys(chosen.labels)),
        nodes=(_resized(row.nodes[0], capacity(chosen)), *row.nodes[1:]),
        ceiling_ns=None if chosen.ceiling is None else parse_duration(chosen.ceiling),
        crash_budget=chosen.crash_budget,
        crash_window_ns=parse_duration(chosen.crash_window),
    )


def capacity(chosen: RuntimeConfig) -> NodeRequest:
    """What the runtime may give away: what was said, else what this machine has."""
    there = FAKE_NODE if chosen.launcher == "fake" else _machine()
    memory_bytes = there.memory_bytes if chosen.memory_mb is None else chosen.memory_mb << 20
    return NodeRequest(cpu=chosen.cpu or there.cpu, memory_bytes=memory_bytes, gpu=chosen.gpu)


def launchers(config: Config, home: Home, clock: Clock) -> Mapping[str, Launcher]:
    """By the name that rows have for them. A fake one is there only if the configuration wants it."""
    grace_s = parse_duration(config.process.orphan_grace) / 1e9
    kinds = {chosen.launcher for chosen in config.runtimes.values()}
    made: dict[str, Launcher] = {}
    if kinds != {"fake"}:
        made["process"] = ProcessLauncher(
            home, "local", orphan_grace_s=grace_s, isolation=config.process.isolation, keep=retention(config)
        )
    if "fake" in kinds:
        made["fake"] = FakeLauncher(clock)
    return made


def retention(config: Config) -> Retention:
    keep = config.keep
    return Retention(
        environments_ns=parse_duration(keep.environments), caches_ns=parse_duration(keep.caches), logs_ns=parse_duration(keep.logs)
    )


def _machine() -> NodeRequest:
    there = describe_machine("")
    return NodeRequest(cpu=there.cpu, memory_bytes=there.memory_bytes)


def _resized(row: Node, there: NodeRequest) -> Node:
    return replace(row, cpu=there.cpu, memory_bytes=there.memory_bytes, gpu=there.gpu)
