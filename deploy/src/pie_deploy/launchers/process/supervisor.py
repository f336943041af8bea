"""The supervisor: the OS process that starts the containers of one runtime and outlives the control plane.

    python -m pie_deploy.launchers.process.supervisor --home FOLDER --runtime ID --orphan-grace-s 60

It decides nothing. When no control plane has been in touch for the orphan grace, it stops everything and ends. When it is killed,
the main processes of its containers die with it, and its successor sweeps the rest. It has one thread, see `spawn`.
"""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import resource
import signal
import sys
from pathlib import Path

from pie_deploy.clock import SystemClock
from pie_deploy.config import Home
from pie_deploy.launchers.process.brand import brand
from pie_deploy.launchers.process.cgroup import Cgroups, detect
from pie_deploy.launchers.process.container_record import Journal
from pie_deploy.launchers.process.containers import Containers
from pie_deploy.launchers.process.place import Place
from pie_deploy.launchers.process.server import Server
from pie_deploy.launchers.process.spawn import adopt_orphans
from pie_deploy.launchers.process.sweep import sweep
from pie_deploy.limits import STOP_GRACE_NS, SUPERVISOR_CONNECTIONS_MAX, WATCH_INTERVAL_S

EXIT_OTHER_RUNS = 3
_logger = logging.getLogger("pie_deploy.supervisor")


def main() -> int:
    options = _options()
    place = Place(Home(Path(options.home)), options.runtime)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_locked_by_us(place):
            return EXIT_OTHER_RUNS
        if os.fork() > 0:
            os._exit(0)  # who started us need not reap us; the lock is held by both
        _raise_descriptor_limit()
        adopt_orphans()
        cgroups = Cgroups((), place.group) if options.without_cgroups else detect(place.group)
        asyncio.run(_Supervisor(place, cgroups, options.orphan_grace_s).run())
    except OSError as error:
        _logger.error("process %d cannot supervise: %s", os.getpid(), error)
        return 1
    return 0


def _is_locked_by_us(place: Place) -> bool:
    """The lock is given up by the kernel when this process is gone, not before: then its last words are written."""
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pie-supervisor")
    parser.add_argument("--home", required=True)
    parser.add_argument("--runtime", required=True)
    parser.add_argument("--orphan-grace-s", type=float, default=60.0)
    parser.add_argument("--without-cgroups", action="store_true")
    return parser.parse_args()


def _raise_descriptor_limit() -> None:
    """Three descriptors per container."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Supervisor:
    def __init__(self, place: Place, cgroups: Cgroups, orphan_grace_s: float) -> None:
        self._place = place
        self._cgroups = cgroups
        self._clock = SystemClock()
        self._containers = Containers(
            journal=Journal(place.home.containers, place.runtime_id),
            logs=place.home.logs,
            cgroups=self._cgroups,
            clock=self._clock,
            brand=brand(place.home.containers, place.runtime_id),
            on_change=self._tell_changed,
        )
        self._end = asyncio.Event()
        self._server = Server(self._containers, self._end.set, orphan_grace_s)

    async def run(self) -> None:
        self._handle_signals()
        for report in sweep(self._place.home.containers, self._place.runtime_id, self._cgroups, self._clock):
            self._containers.remember(report)
        listening = await self._listen()
        _logger.info("process %d supervises runtime %s", os.getpid(), self._place.runtime_id)
        async with listening:
            await self._watch()
            await self._containers.stop_all(STOP_GRACE_NS / 1e9)
            await self._server.close()
            self._place.socket.unlink(missing_ok=True)
        self._cgroups.close()
        _logger.info("process %d ends", os.getpid())

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._containers.reap)
        loop.add_signal_handler(signal.SIGTERM, self._end.set)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def _tell_changed(self, container_id: str) -> None:
        self._server.tell_changed(container_id)

    async def _listen(self) -> asyncio.Server:
        self._place.socket.unlink(missing_ok=True)  # whose lock we hold
        previous = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._server.accept, self._place.socket, backlog=SUPERVISOR_CONNECTIONS_MAX)
        finally:
            os.umask(previous)

    async def _watch(self) -> None:
        """Until it is told to end, or has been alone for too long."""
        loop = asyncio.get_running_loop()
        in_touch_s = loop.time()
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), WATCH_INTERVAL_S)
            await self._look()
            if not self._server.is_alone:
                in_touch_s = loop.time()
            elif loop.time() - in_touch_s > (grace_s := self._server.orphan_grace_s):
                _logger.warning("no control plane for %g s: stopping %d containers", grace_s, len(self._containers.running))
                return

    async def _look(self) -> None:
        try:
            await self._containers.watch()
        except OSError:
            _logger.exception("a look at the containers failed")


if __name__ == "__main__":
    sys.exit(main())
