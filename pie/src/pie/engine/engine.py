"""The engine: the one place where models, drivers, schedulers, the sandbox and processes are put together."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from pie.clock import Clock, SystemClock
from pie.config.config import Config, LimitsConfig, ModelConfig
from pie.config.home import Home
from pie.engine.accounting import Accounting
from pie.engine.context_store import ContextStore, NotKept
from pie.engine.drivers import make_driver
from pie.engine.identity import identity
from pie.engine.launched import LaunchedProcess
from pie.engine.library import Library
from pie.engine.program import InstalledProgram
from pie.engine.quota import Quotas
from pie.engine.run import conclude, run_process
from pie.errors import DrainingError, PieError
from pie.host.files import Allowance, FileInbox
from pie.host.guest import Guest
from pie.host.inbox import Inbox
from pie.host.interfaces import interfaces
from pie.host.long_text import TextDesk
from pie.host.outbox import Outbox, OutputText
from pie.host.served import ServedModel
from pie.limits import OUTBOX_CHARACTERS_MAX, SandboxLimits
from pie.model import model as models
from pie.model.sources import resolve
from pie.processes.events import EventQueue
from pie.processes.process import Process
from pie.processes.table import ProcessStatistics, ProcessTable
from pie.programs.resolved import ResolvedProgram
from pie.sandbox.interface import Interface
from pie.sandbox.sandbox import Sandbox
from pie.sched.scheduler import Scheduler
from pie.sched.statistics import SchedulerStatistics
from pie.together import together
from pie.wasi.state import WasiState
from pie.wasi.streams import SinkOutput

log = logging.getLogger(__name__)

_LIVE: Mapping[str, tuple[str, ...]] = {
    "server": ("registry",),
    "limits": LimitsConfig.__struct_fields__,
    "runtime": ("allow_fs", "fs_scratch_dir", "max_upload_mb"),
}
"""The keys of each table that may change while the engine runs."""


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    processes: ProcessStatistics
    schedulers: dict[str, SchedulerStatistics]
    """By model name."""
    draining: bool


class Engine:
    """Serves programs, on one event loop. Made by `running`, which also ends it."""

    def __init__(
        self,
        config: Config,
        home: Home,
        *,
        clock: Clock | None = None,
        guest_interfaces: Sequence[Interface] | None = None,
    ) -> None:
        """`guest_interfaces` is what programs may import; None: `wit/` and WASI."""
        self._config = config
        self._home = home
        self._clock = clock or SystemClock()
        self._draining = False
        self.quotas = Quotas(config.limits, self._clock)
        self._accounting = Accounting(self.quotas, self._clock)
        limits = SandboxLimits(memory_bytes_max=config.runtime.memory_bytes_max)
        self._sandbox = Sandbox(guest_interfaces or interfaces(), cache_folder=home.compiled, limits=limits)
        self.library = self._make_library()
        """Programs by name, on disk and in registries."""
        self._former_libraries: list[Library] = []
        self._models: dict[str, ServedModel] = {}
        self._stores: dict[str, ContextStore] = {}
        """Where saved contexts are kept, by model name."""
        self._table = ProcessTable()
        self._tasks: dict[str, asyncio.Task[str]] = {}
        """The runs, by process id."""
        self._admission = asyncio.Semaphore(config.runtime.processes_max)
        self.on_end: Callable[[Process], None] = _ignore
        """Called with each process that has ended, for whoever keeps records."""

    async def start(self) -> None:
        """Load the models. Raises `ModelError`, `ModelNotFoundError`, `DriverError`."""
        served = await together([self._serve(model) for model in self._config.models])
        self._models.update((model.name, model) for model in served)

    async def close(self) -> None:
        """End every process and stop everything. Safe to call twice, and after a failed `start`."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for model in self._models.values():
            await model.scheduler.close()
            model.texts.close()
        self._models.clear()
        for library in (*self._former_libraries, self.library):
            await library.close()
        await self._sandbox.close()

    async def save_contexts(self) -> list[NotKept]:
        """Keep the saved contexts of all users on disk; the next engine has them again. Returns those for which that failed; they
        are also logged."""
        failures: list[NotKept] = []
        for name, store in self._stores.items():
            contexts = self._models[name].scheduler.saved_contexts()
            failures += await asyncio.to_thread(store.store, contexts)
        for failure in failures:
            log.warning("the saved context %r of %r is not kept: %s", failure.name, failure.username, failure.reason)
        return failures

    async def install(self, program: ResolvedProgram) -> InstalledProgram:
        """Compile a program, or load it from the cache. Needs no model. Raises `ProgramError`."""
        return InstalledProgram(program.manifest, await self._sandbox.load(program.wasm))

    def launch(
        self,
        program: InstalledProgram,
        input_text: str,
        username: str = "local",
        *,
        token_budget: int | None = None,
    ) -> LaunchedProcess:
        """Start a process. `input_text` is what the program's `run` gets: JSON text. `token_budget` is how many tokens it may
        hand in and have drawn.

        Raises `DrainingError`, `QuotaError`, `TooManyProcessesError`.
        """
        self.demand_open(username)
        self.quotas.enter(username)
        guest = self._guest(program, input_text, username, token_budget)
        self._table.add(guest.process)
        self._accounting.begin(guest.process)
        run = run_process(guest, program.component, self._admission, self._config.runtime.scratch_folder)
        task = asyncio.get_running_loop().create_task(run, name=f"process {guest.process.id}")
        self._tasks[guest.process.id] = task
        task.add_done_callback(lambda ended: self._end(guest, ended))
        return LaunchedProcess(guest, task)

    def demand_open(self, username: str) -> None:
        """Ask before something new is begun for the user, process or not. Raises `DrainingError`, `QuotaError`."""
        if self._draining:
            raise DrainingError("the engine is draining: it lets what runs finish and takes nothing new")
        self.quotas.admit(username)

    @property
    def draining(self) -> bool:
        """Whether nothing new is taken."""
        return self._draining

    def drain(self, enabled: bool) -> None:
        """Take nothing new, or do so again. What runs goes on."""
        self._draining = enabled

    def reconfigure(self, config: Config) -> list[str]:
        """Take over what can change while running, for all that comes after this. Returns the keys that did change."""
        keys = [(table, key) for table, names in _LIVE.items() for key in names]
        changed = [(table, key) for table, key in keys if _value(config, table, key) != _value(self._config, table, key)]
        for table, key in changed:
            replaced = msgspec.structs.replace(getattr(self._config, table), **{key: _value(config, table, key)})
            self._config = msgspec.structs.replace(self._config, **{table: replaced})
        self.quotas.reconfigure(config.limits)
        if ("server", "registry") in changed:
            self._former_libraries.append(self.library)  # somebody may still wait for a program of it
            self.library = self._make_library()
        return [f"{table}.{key}" for table, key in changed]

    def model(self, name: str | None = None) -> ServedModel:
        """A loaded model; the first one if no name is given."""
        return next(iter(self._models.values())) if name is None else self._models[name]

    @property
    def models(self) -> Mapping[str, ServedModel]:
        """Loaded models by name; the first is the default."""
        return self._models

    def processes(self, username: str | None = None) -> list[Process]:
        """Live processes, oldest first, of one user or of all."""
        return self._table.live(username)

    def process(self, process_id: str) -> Process | None:
        """A live process."""
        return self._table.get(process_id)

    def terminate(self, process_id: str) -> bool:
        """End a process now. It still gets its terminal event. False: there is none of that id alive."""
        task = self._tasks.get(process_id)
        if task is not None:
            task.cancel()
        return task is not None

    def statistics(self) -> EngineStatistics:
        return EngineStatistics(
            processes=self._table.statistics(),
            schedulers={name: model.scheduler.statistics() for name, model in self._models.items()},
            draining=self._draining,
        )

    def _make_library(self) -> Library:
        registry = self._config.server.registry
        return Library(self.install, self._home.programs, self._home.built, registry=registry, clock=self._clock)

    async def _serve(self, config: ModelConfig) -> ServedModel:
        folder = resolve(config.hf_repo)
        loaded = models.load(config.name, folder, datetime.now)
        texts = TextDesk(loaded, lambda: models.load(config.name, folder, datetime.now))
        scheduler = Scheduler(make_driver(config, loaded), clock=self._clock, share_prefixes=self._config.runtime.share_prefixes)
        scheduler.on_tokens = self._accounting.charge
        try:
            await scheduler.start()
            await self._recall(config.name, folder, scheduler)
        except BaseException:
            await scheduler.close()
            raise
        return ServedModel(loaded, scheduler, texts)

    async def _recall(self, name: str, folder: Path, scheduler: Scheduler) -> None:
        """Bring back the contexts that an earlier engine has kept."""
        store = ContextStore(self._home.contexts / await asyncio.to_thread(identity, folder, name))
        for kept in await asyncio.to_thread(store.load):
            try:
                scheduler.recall_context(kept.username, kept.name, kept.tokens)
            except PieError as error:
                log.warning("the saved context %r of %r is left out: %s", kept.name, kept.username, error)
                store.leave_alone(kept)
        self._stores[name] = store

    def _guest(self, program: InstalledProgram, input_text: str, username: str, token_budget: int | None) -> Guest:
        queue = EventQueue(self._config.limits.queued_events, OUTBOX_CHARACTERS_MAX)
        now_ns = self._clock.wall_ns()
        process = Process(str(uuid.uuid4()), program.id, username, input_text, now_ns, queue, token_budget=token_budget)
        outbox = Outbox(queue)
        wasi = WasiState(
            stdout=SinkOutput(OutputText(outbox, "stdout")),
            stderr=SinkOutput(OutputText(outbox, "stderr")),
            clock=self._clock,
        )
        file_bytes_max = self._config.runtime.upload_bytes_max
        return Guest(process, wasi, self._models, outbox, Inbox(), FileInbox(file_bytes_max), Allowance(file_bytes_max))

    def _end(self, guest: Guest, task: "asyncio.Task[str]") -> None:
        conclude(guest, task)
        self._table.remove(guest.process)
        self._accounting.end(guest.process)
        self.quotas.leave(guest.process.username)
        del self._tasks[guest.process.id]
        self.on_end(guest.process)


def _ignore(process: Process) -> None:
    pass


def _value(config: Config, table: str, key: str) -> object:
    return getattr(getattr(config, table), key)


@asynccontextmanager
async def running(config: Config, home: Home, *, guest_interfaces: Sequence[Interface] | None = None) -> AsyncIterator[Engine]:
    """An engine with its models loaded, closed at the end whatever happens."""
    engine = Engine(config, home, guest_interfaces=guest_interfaces)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()
