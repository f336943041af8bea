"""The process launcher: containers as OS processes of this machine, held by a supervisor."""

import asyncio
import contextlib
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from pie_deploy.config import Home
from pie_deploy.config.home import handed_folder
from pie_deploy.config.inherited import inherited_by_containers, inherited_by_installers
from pie_deploy.domain.records import Node
from pie_deploy.errors import LauncherError, NotFoundError
from pie_deploy.launchers.process.bwrap import find_bwrap
from pie_deploy.launchers.process.changes import Changes
from pie_deploy.launchers.process.claims import SPEC_FILE, claim_environment
from pie_deploy.launchers.process.command import Command, component_command, sandbox, socket_folders, variables
from pie_deploy.launchers.process.connection import SupervisorConnection
from pie_deploy.launchers.process.container_record import read_record
from pie_deploy.launchers.process.environments import Environments
from pie_deploy.launchers.process.log_reader import read_log
from pie_deploy.launchers.process.machine import describe_machine
from pie_deploy.launchers.process.messages import Answer, Forget, Launch, Observe, Observed, Request, Start, Stop, StopAll
from pie_deploy.launchers.process.place import Place
from pie_deploy.launchers.process.pruning import Machine, prune_machine
from pie_deploy.launchers.process.shelf import remove_tree
from pie_deploy.limits import FOLLOW_AFTER_EXIT_NS, STOP_GRACE_NS
from pie_deploy.ports.launcher import ContainerLimits, LogLine, ObservedContainer, Retention
from pie_flow.container import ContainerSpec, encode

Isolation = Literal["none", "bwrap", "auto"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class EnvironmentSource(Protocol):
    async def ensure(self, spec: ContainerSpec) -> Path: ...


class ProcessLauncher:
    """Implements `ports.launcher.Launcher`.

    isolation: `bwrap` wants a sandbox around every container, `auto` takes one where bwrap is installed and works. command: what to
    run in the environment; tests give other programs.
    """

    def __init__(
        self,
        home: Home,
        runtime_id: str,
        *,
        orphan_grace_s: float = 60,
        isolation: Isolation = "auto",
        use_cgroups: bool = True,
        command: Command = component_command,
        environments: EnvironmentSource | None = None,
        keep: Retention | None = None,
    ) -> None:
        self._home = home
        self._place = Place(home, runtime_id)
        self._isolation: Isolation = isolation
        self._command = command
        self._environments = environments
        self._machine = Machine(home, keep or Retention())
        self._bwrap: str | None = None
        self._changes = Changes()
        self._connection = SupervisorConnection(self._place, self._changes, orphan_grace_s=orphan_grace_s, use_cgroups=use_cgroups)
        self._is_closed = False

    # --- Life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        self._is_closed = False
        await asyncio.to_thread(self._make_folders)
        self._bwrap = await asyncio.to_thread(find_bwrap, self._isolation)
        if self._environments is None:
            wheels_only = self._bwrap is not None
            self._environments = Environments(self._home.environments, inherited_by_installers(), wheels_only=wheels_only)
        await self._connection.open()

    def _make_folders(self) -> None:
        try:
            self._home.create()
            for folder in (self._home.logs, self._home.caches, self._place.folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LauncherError(f"the launcher's folders cannot be made: {error}") from error

    async def close(self, *, stop_all: bool) -> None:
        self._is_closed = True
        self._changes.close()
        if isinstance(self._environments, Environments):
            await self._environments.close()
            self._environments = None
        try:
            if stop_all:
                await self._stop_all(STOP_GRACE_NS / 1e9)
        finally:
            await self._connection.close()

    async def _stop_all(self, grace_s: float) -> None:
        """And the supervisor."""
        await self._ask(lambda request_id: StopAll(id=request_id, grace_s=grace_s), patience_s=grace_s)
        await self._connection.end_supervisor()

    @property
    def supervisor_pid(self) -> int | None:
        """None while there is none in touch."""
        return self._connection.supervisor_pid

    async def nodes(self, runtime_id: str) -> Sequence[Node]:
        return (await asyncio.to_thread(describe_machine, runtime_id),)

    # --- Containers --------------------------------------------------------------------------------------------------

    async def prepare(self, spec: ContainerSpec) -> None:
        environment = await self._environment(spec)
        await asyncio.to_thread(self._make_container_folders, spec, environment)

    async def start(self, spec: ContainerSpec, limits: ContainerLimits, incarnation: int) -> None:
        environment = await self._environment(spec)
        await asyncio.to_thread(self._make_container_folders, spec, environment)
        launch = self._launch(spec, limits, incarnation, environment)
        await self._ask(lambda request_id: Start(id=request_id, launch=launch))

    async def _environment(self, spec: ContainerSpec) -> Path:
        if self._environments is None:
            raise LauncherError("the launcher is not open")
        return await self._environments.ensure(spec)

    def _make_container_folders(self, spec: ContainerSpec, environment: Path) -> None:
        folder = self._container_folder(spec.container_id)
        spec_path = folder / SPEC_FILE
        try:
            own = (spec.work_folder, f"{spec.work_folder}/tmp", spec.generated_folder)
            handed = handed_folder(self._home, spec.container_id)
            for path in (folder, handed, *map(Path, own), *map(Path, socket_folders(spec))):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside = spec_path.with_suffix(".new")
            aside.touch(mode=0o600)
            aside.write_bytes(encode(spec))
            aside.replace(spec_path)
            claim_environment(folder, environment)
            self._machine.use_cache(Path(spec.cache_folder))
        except OSError as error:
            raise LauncherError(f"the container's folders cannot be made: {error}") from error

    def _launch(self, spec: ContainerSpec, limits: ContainerLimits, incarnation: int, environment: Path) -> Launch:
        spec_path = self._container_folder(spec.container_id) / SPEC_FILE
        argv = list(self._command(spec, environment))
        if self._bwrap is not None:
            around = sandbox(
                spec,
                bwrap=self._bwrap,
                environment=environment,
                spec_path=spec_path,
                handed=handed_folder(self._home, spec.container_id),
                hidden=(self._place.folder,),
            )
            argv = [*around, *argv]
        return Launch(
            container_id=spec.container_id,
            deployment_id=spec.deployment_id,
            incarnation=incarnation,
            argv=tuple(argv),
            environment=variables(
                spec,
                environment=environment,
                spec_path=spec_path,
                cpu=limits.cpu,
                gpu=limits.gpu,
                inherited=inherited_by_containers(),
            ),
            folder=spec.work_folder,
            cpu=limits.cpu,
            cpu_max=limits.cpu_max,
            memory_bytes=limits.memory_bytes,
            processes_max=limits.processes_max,
            log_bytes_max=limits.log_bytes_max,
            is_sandboxed=self._bwrap is not None,
        )

    async def stop(self, container_id: str, grace_s: float) -> None:
        _check_id(container_id)
        await self._ask(lambda request_id: Stop(id=request_id, container_id=container_id, grace_s=grace_s), patience_s=grace_s)

    async def kill(self, container_id: str) -> None:
        await self.stop(container_id, 0)

    async def remove(self, container_id: str) -> None:
        folder = self._container_folder(container_id)
        await self._ask(lambda request_id: Forget(id=request_id, container_id=container_id))
        await asyncio.to_thread(self._remove_folders, folder)

    def _remove_folders(self, folder: Path) -> None:
        """And the one with its sockets, which has its name."""
        shutil.rmtree(self._home.run / folder.name, ignore_errors=True)
        remove_tree(folder)

    async def prune(self, containers: AbstractSet[str], now_ns: int) -> bool:
        environments = self._environments if isinstance(self._environments, Environments) else None
        return await asyncio.to_thread(prune_machine, self._machine, environments, containers, now_ns)

    async def observe(self) -> Sequence[ObservedContainer]:
        answer = await self._ask(lambda request_id: Observe(id=request_id))
        assert isinstance(answer, Observed)
        return [ObservedContainer(**msgspec.structs.asdict(report)) for report in answer.containers]

    def changes(self) -> AsyncIterator[str]:
        return self._changes.subscribe()

    async def _ask(self, request: Callable[[int], Request], *, patience_s: float = 0.0) -> Answer:
        return await self._connection.ask(request, patience_s=patience_s)

    # --- Logs --------------------------------------------------------------------------------------------------------

    async def logs(
        self, container_id: str, *, follow: bool = False, since_ns: int = 0, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        container = self._container_folder(container_id)
        folder = self._home.logs / container_id
        if not folder.is_dir() and not container.is_dir():
            raise NotFoundError(f"there is no log of a container {container_id}")
        lines = read_log(
            folder,
            follow=follow,
            since_ns=since_ns,
            tail=tail,
            is_over=lambda: self._is_closed or self._has_ended_for_good(container_id),
        )
        async with contextlib.aclosing(lines):
            async for line in lines:
                yield line

    def _has_ended_for_good(self, container_id: str) -> bool:
        """It was removed, or its end is longer ago than any wait for a restart."""
        record = read_record(self._home.containers, container_id)
        if record is None:
            return not (self._home.containers / container_id).is_dir()
        exited_at_ns = record.report.exited_at_ns
        return exited_at_ns is not None and time.time_ns() - exited_at_ns > FOLLOW_AFTER_EXIT_NS

    def _container_folder(self, container_id: str) -> Path:
        _check_id(container_id)
        return self._home.containers / container_id


def _check_id(container_id: str) -> None:
    """Ids become names of folders. Raises NotFoundError."""
    if not _ID.fullmatch(container_id):
        raise NotFoundError(f"there is no container {container_id[:64]!r}")
