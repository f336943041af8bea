"""A child process that talks over ZeroMQ: started, watched, stopped. One object per life of a child."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import zmq

from pie.driver.messages import WorkerConfig, WorkerStart
from pie.limits import DRIVER_STDERR_TAIL_BYTES, DRIVER_STOP_TIMEOUT_S

_HUGE_PAGES = "glibc.malloc.hugetlb"


def worker_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Ours, and that the C library asks for huge pages: a step reads all weights once, and with pages of 4 KiB it waits for their
    addresses as much as for the memory. It is read when a process starts, and a setting of the user's counts.
    """
    tunables = own.get("GLIBC_TUNABLES", "")
    if _HUGE_PAGES not in tunables:
        tunables = f"{tunables}:{_HUGE_PAGES}=1".removeprefix(":")
    return {**own, "GLIBC_TUNABLES": tunables}


class Child:
    """A worker process and the socket to it.

    `on_message` gets the bytes of each message; `on_end` gets, once, the reason why the child is gone, unless it was stopped here.
    Both are called from the event loop that `start` ran on.
    """

    def __init__(self, on_message: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        self._on_message = on_message
        self._on_end = on_end
        self._folder: Path | None = Path(tempfile.mkdtemp(prefix="pie-"))  # of mode 0700: nobody else can connect
        self._zmq_context = zmq.Context()
        self._socket: zmq.Socket[bytes] = self._zmq_context.socket(zmq.PAIR)
        self._socket.linger = 0
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stderr_tail = b""
        self._is_stopping = False

    async def start(self, config: WorkerConfig) -> None:
        address = f"ipc://{self._folder}/worker"
        self._socket.bind(address)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._receive)
        # -P keeps the current folder off the import path: a file torch.py there must not be run.
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "pie_worker"),
            env=worker_environment(os.environ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is for the engine, which then stops its worker
        )
        self._watch = asyncio.create_task(self._watch_process(self._process), name="driver-child")
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(WorkerStart(address, config)) + b"\n")

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    def send(self, message: bytes) -> None:
        """Never waits: the number of batches in flight is bounded, and so is the queue."""
        with contextlib.suppress(zmq.ZMQError):  # the child is gone; the watch is about to say so
            self._socket.send(message, zmq.NOBLOCK)
        self._receive()

    async def stop(self, farewell: bytes = b"") -> None:
        """Asks with `farewell` if there is one, then kills. Returns when the process is gone and nothing of it is left."""
        self._is_stopping = True
        if farewell and self._process is not None and self._process.returncode is None:
            with contextlib.suppress(zmq.ZMQError):
                self._socket.send(farewell, zmq.NOBLOCK)
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._watch is not None:
            await self._wait_or_kill(self._watch)
        self._release()

    async def _wait_or_kill(self, watch: asyncio.Task[None]) -> None:
        assert self._process is not None
        _, pending = await asyncio.wait({watch}, timeout=DRIVER_STOP_TIMEOUT_S)
        if pending:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await watch

    def _receive(self) -> None:
        """ZeroMQ's file descriptor tells of changes, not of states: whoever looks must take all there is."""
        while not self._socket.closed:
            try:
                message = self._socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._remove_folder()  # the two have met; and if we are killed later, nothing of it is left
            self._on_message(message)

    async def _watch_process(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(4096):
            self._stderr_tail = (self._stderr_tail + chunk)[-DRIVER_STDERR_TAIL_BYTES:]
        returncode = await process.wait()
        if not self._is_stopping:
            self._receive()  # its last words may be waiting in the socket
            self._on_end(self._reason(returncode))

    def _reason(self, returncode: int) -> str:
        if returncode < 0:
            reason = f"the worker was ended by signal {_signal_name(-returncode)}"
        else:
            reason = f"the worker ended with exit code {returncode}"
        tail = self._stderr_tail.decode(errors="replace").strip()
        return f"{reason}: {tail}" if tail else reason

    def _release(self) -> None:
        if not self._socket.closed:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._zmq_context.term()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
