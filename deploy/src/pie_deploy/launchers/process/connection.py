"""Keeps the launcher in touch with its supervisor: finds the one that runs, or starts one, and again when it was killed."""

import asyncio
import contextlib
import fcntl
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable

from pie_deploy.config.inherited import inherited_by_containers
from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.changes import Changes
from pie_deploy.launchers.process.link import Link, LinkLostError, OtherVersionError
from pie_deploy.launchers.process.messages import Answer, Attend, End, Observe, Observed, Request
from pie_deploy.launchers.process.place import Place
from pie_deploy.limits import SUPERVISOR_CONNECT_POLL_S, SUPERVISOR_LOG_BYTES_MAX, SUPERVISOR_START_S

_EXIT_OTHER_RUNS = 3
_LOG_TAIL_BYTES = 2000


class SupervisorConnection:
    def __init__(self, place: Place, changes: Changes, *, orphan_grace_s: float, use_cgroups: bool) -> None:
        self._place = place
        self._orphan_grace_s = orphan_grace_s
        self._use_cgroups = use_cgroups
        self._changes = changes
        self._lock = asyncio.Lock()
        self._link: Link | None = None
        self._reconnecting: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def supervisor_pid(self) -> int | None:
        return None if self._link is None or self._link.is_lost else self._link.supervisor_pid

    async def open(self) -> None:
        """Raises LauncherError."""
        self._is_closed = False
        await self._get_link()

    async def ask(self, request: Callable[[int], Request], *, patience_s: float = 0.0) -> Answer:
        """A request is idempotent, so it is asked again of the next supervisor when this one dies over it. Raises LauncherError."""
        link = await self._get_link()
        try:
            return await link.ask(request(link.next_id()), patience_s=patience_s)
        except LinkLostError:
            link = await self._get_link()
            return await link.ask(request(link.next_id()), patience_s=patience_s)

    async def end_supervisor(self) -> None:
        """Returns when it has ended. Raises LauncherError when it does not."""
        self._is_closed = True
        link = await self._get_link()
        with contextlib.suppress(LinkLostError):
            await link.ask(End(id=link.next_id()))
        for _ in range(math.ceil(SUPERVISOR_START_S / SUPERVISOR_CONNECT_POLL_S)):
            if not self._is_supervised():
                return
            await asyncio.sleep(SUPERVISOR_CONNECT_POLL_S)
        raise LauncherError(f"the supervisor (process {link.supervisor_pid}) does not end")

    async def close(self) -> None:
        self._is_closed = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.wait({self._reconnecting})
        if self._link is not None:
            await self._link.close()

    # --- Finding and starting ----------------------------------------------------------------------------------------

    async def _get_link(self) -> Link:
        async with self._lock:
            if self._link is None or self._link.is_lost:
                self._link = await self._connect()
            return self._link

    async def _connect(self) -> Link:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + SUPERVISOR_START_S
        is_started = False
        while loop.time() < deadline_s:
            try:
                return await self._attend()
            except OtherVersionError as error:
                _end_process(error.pid)
            except LinkLostError:
                pass  # it is just ending: the next one is started
            except OSError:
                is_started = await self._start_unless_there(is_started)
            await asyncio.sleep(SUPERVISOR_CONNECT_POLL_S)
        raise LauncherError(f"the supervisor does not answer within {SUPERVISOR_START_S:g} s: {self._log_tail()}")

    async def _attend(self) -> Link:
        """To the supervisor that there is, whoever has started it: from now on our grace counts."""
        link = await Link.connect(self._place.socket, lambda container_id: self._changes.tell((container_id,)), self._lost)
        try:
            await link.ask(Attend(id=link.next_id(), orphan_grace_s=self._orphan_grace_s))
        except BaseException:
            await link.close()
            raise
        return link

    async def _start_unless_there(self, is_started: bool) -> bool:
        """Whether one has been started by now. Raises LauncherError when the one that was started has died."""
        if await asyncio.to_thread(self._is_supervised):
            return is_started
        if is_started:
            raise LauncherError(f"the supervisor ended at once: {self._log_tail()}")
        await asyncio.to_thread(self._start)
        return True

    def _is_supervised(self) -> bool:
        """Whether somebody holds the supervisor's lock."""
        try:
            descriptor = os.open(self._place.lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _start(self) -> None:
        """Blocking. Returns when the supervisor holds its lock; its parent is not this process, which may end before it."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        log = os.open(self._place.log, flags, 0o600)
        try:
            if os.fstat(log).st_size > SUPERVISOR_LOG_BYTES_MAX:
                os.ftruncate(log, 0)
            done = subprocess.run(
                self._supervisor_command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**inherited_by_containers(), "PATH": os.defpath, "TMPDIR": tempfile.gettempdir()},
                start_new_session=True,
                timeout=SUPERVISOR_START_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LauncherError(f"the supervisor cannot be started: {error}") from error
        finally:
            os.close(log)
        if done.returncode not in (0, _EXIT_OTHER_RUNS):
            raise LauncherError(f"the supervisor does not start: {self._log_tail()}")

    def _supervisor_command(self) -> list[str]:
        # -P keeps the current folder off the import path.
        module = "pie_deploy.launchers.process.supervisor"
        place = ("--home", str(self._place.home.root), "--runtime", self._place.runtime_id)
        options = ("--orphan-grace-s", str(self._orphan_grace_s), *(() if self._use_cgroups else ("--without-cgroups",)))
        return [sys.executable, "-P", "-m", module, *place, *options]

    def _log_tail(self) -> str:
        try:
            return self._place.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
        except OSError:
            return "it left no message"

    # --- Losing ------------------------------------------------------------------------------------------------------

    def _lost(self) -> None:
        if not self._is_closed:
            self._reconnecting = asyncio.create_task(self._reconnect(), name="supervisor-reconnect")

    async def _reconnect(self) -> None:
        """At once, so that what the dead one has left behind is swept; and everybody should look again."""
        try:
            answer = await self.ask(lambda request_id: Observe(id=request_id))
        except LauncherError:
            return  # whoever asks next gets the error
        assert isinstance(answer, Observed)
        self._changes.tell([report.container_id for report in answer.containers])


def _end_process(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
