"""Servers as child processes, for benches that go over a socket."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0
LIMITS = """
[limits]
processes_per_user = 4096
"""
"""One user stands for many."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    port: int
    pid: int

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def pie_server(models: str, *, cores: Sequence[int] | None = None, home: Path | None = None) -> Iterator[ServerAddress]:
    """`pie serve` without authentication, with these `[[model]]` tables. In a home of its own unless one is given."""
    with tempfile.TemporaryDirectory(prefix="pie-bench-") as scratch:
        root = home or Path(scratch) / "home"
        config = Path(scratch) / "config.toml"
        config.write_text(LIMITS + models)
        port = free_port()
        pie = Path(sys.executable).with_name("pie")
        command = [str(pie), "serve", "-c", str(config), "--port", str(port), "--no-auth"]
        with child(command, f"http://127.0.0.1:{port}/readyz", {"PIE_HOME": str(root)}, cores) as pid:
            yield ServerAddress(port, pid)


@contextmanager
def child(command: Sequence[str], ready_url: str, environment: Mapping[str, str], cores: Sequence[int] | None) -> Iterator[int]:
    """A server process, once `ready_url` answers; stopped at the end. Its output is shown if it does not start."""
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
        if cores is not None:
            os.sched_setaffinity(server.pid, cores)  # what it starts later stays there too
        try:
            _wait_until_ready(server, ready_url, output.fileno())
            yield server.pid
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_TIMEOUT_S)
            server.kill()
            server.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def rss_kib(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has ended")


def _wait_until_ready(server: "subprocess.Popen[bytes]", url: str, output: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    said = os.pread(output, 1 << 16, 0).decode(errors="replace")
    raise RuntimeError(f"{server.args!r} did not start:\n{said}")
