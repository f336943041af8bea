"""A real server: its bounds on connections, its end, its death and its memory."""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bakery.errors import StoreError
from bakery.registry import server as server_module
from bakery.registry.application import Application
from bakery.registry.messages import CommitRequest, NewRequest
from bakery.registry.publishing import Publishing
from bakery.registry.rules import COMPONENT_MAGIC
from bakery.registry.server import Endpoint, listen, server, url_of

Fields = Callable[..., dict[str, Any]]
PATIENCE_S = 60


@dataclass
class Running:
    """A server in a thread."""

    application: Application
    server: server_module.Server
    address: tuple[str, int]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    application = Application(f"sqlite:///{tmp_path / 'registry.db'}", str(tmp_path / "artifacts"))
    endpoint = Endpoint(port=0)
    listening = listen(endpoint)
    in_thread = server(application.asgi, endpoint)
    thread = threading.Thread(target=lambda: asyncio.run(in_thread.serve(sockets=[listening])))
    thread.start()
    yield Running(application, in_thread, listening.getsockname()[:2])
    in_thread.should_exit = True
    thread.join(PATIENCE_S)


@pytest.fixture
def served(running: Running) -> tuple[str, int]:
    """Host and port."""
    return running.address


def closed(connection: socket.socket) -> bool:
    """Waits for the other side to close."""
    connection.settimeout(PATIENCE_S)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_that_asks_nothing_is_closed(
    sent: bytes, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(server_module, "REQUEST_BEGIN_S", 0.2)
    with socket.create_connection(request.getfixturevalue("served")) as connection:
        connection.sendall(sent)
        assert closed(connection)


def test_an_endless_head_is_cut_off(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(server_module, "HEAD_BYTES_MAX", 10_000)
    served = request.getfixturevalue("served")
    with socket.create_connection(served) as connection, pytest.raises(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\n")
        while True:
            connection.sendall(b"X: " + b"x" * 1000 + b"\r\n")


def test_a_download_that_nobody_reads_ends(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, fields: Fields) -> None:
    """It holds a file and a connection. The buffers of the two sockets take a few MB of it."""
    monkeypatch.setattr(server_module, "BODY_IDLE_S", 0.2)
    running: Running = request.getfixturevalue("running")
    wasm = COMPONENT_MAGIC + bytes(32 << 20)
    published(running.application, fields(wasm=wasm), wasm)
    with socket.create_connection(running.address) as connection:
        connection.sendall(b"GET /api/v1/inferlets/toast/1.0.0/download HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        deadline = time.monotonic() + PATIENCE_S
        while running.server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not running.server.server_state.connections


def published(application: Application, fields: dict[str, Any], wasm: bytes) -> None:
    """By hand, without HTTP."""
    publishing = Publishing(application.store, application.artifacts)
    user = application.accounts.user_of(application.accounts.issue("alice", 0.0), 0.0)
    assert user is not None
    part = application.artifacts.begin(publishing.announce(user, NewRequest(**fields), 0.0).upload)
    part.write(wasm)
    part.finish()
    publishing.commit(user, CommitRequest(**fields), 0.0)


def test_garbage_is_answered_with_400(served: tuple[str, int]) -> None:
    with socket.create_connection(served) as connection:
        connection.sendall(b"\x16\x03\x01garbage\r\n\r\n")
        connection.settimeout(PATIENCE_S)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_connection_is_used_again_for_many_requests(served: tuple[str, int]) -> None:
    with httpx.Client(base_url=f"http://{served[0]}:{served[1]}") as http:
        assert [http.get("/healthz").status_code for _ in range(20)] == [200] * 20


def test_a_port_that_is_taken_is_told(served: tuple[str, int]) -> None:
    with pytest.raises(StoreError, match="Address already in use"):
        listen(Endpoint(port=served[1]))


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no certificate with its key: No such file"):
        listen(Endpoint(port=0, tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem")))


def test_addresses_of_ipv6_are_written_in_brackets() -> None:
    with listen(Endpoint("::1", 0)) as listening:
        assert url_of(Endpoint("::1", 0, "cert", "key"), listening) == f"https://[::1]:{listening.getsockname()[1]}"


class Child:
    """`bakery registry serve` in a process of its own, on a folder that outlives it."""

    def __init__(self, folder: Path) -> None:
        self._options = ["--database", f"sqlite:///{folder / 'registry.db'}", "--artifacts", str(folder / "artifacts")]
        self.token = self._run("registry", "token", "alice", *self._options[:2]).strip()

    @contextmanager
    def serving(self) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
        command = [sys.executable, "-m", "bakery", "registry", "serve", "--port", "0", *self._options]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                url = process.stderr.readline().split()[-1]
                with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE_S) as http:
                    yield process, http
            finally:
                process.kill()

    def _run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "bakery", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_stops_without_an_error(child: Child, number: int) -> None:
    with child.serving() as (process, http):
        assert http.get("/healthz").text == "ok\n"
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 2])
def test_killed_between_steps_it_shows_no_half_version_and_publishing_goes_on(
    child: Child, fields: Fields, toast: bytes, steps: int
) -> None:
    with child.serving() as (process, http):
        url = http.post("/api/v1/inferlets/new", json=fields()).json()["upload_url"]
        if steps == 2:
            assert http.put(url, content=toast).status_code == 200
        process.kill()
        process.wait(PATIENCE_S)
    with child.serving() as (_, http):
        assert http.get("/api/v1/inferlets/toast").status_code == 404
        url = http.post("/api/v1/inferlets/new", json=fields()).json()["upload_url"]
        if steps == 1:
            assert http.put(url, content=toast).status_code == 200
        assert http.post("/api/v1/inferlets/new/commit", json=fields()).status_code == 200
        assert http.get("/api/v1/inferlets/toast/1.0.0/download").content == toast


@pytest.mark.slow
def test_killed_in_the_middle_of_a_body_it_leaves_nothing_that_counts(
    child: Child, tmp_path: Path, fields: Fields, toast: bytes
) -> None:
    with child.serving() as (process, http):
        url = http.post("/api/v1/inferlets/new", json=fields()).json()["upload_url"]

        def body() -> Iterator[bytes]:
            yield toast[:10]
            process.kill()
            process.wait(PATIENCE_S)
            yield toast[10:]

        with pytest.raises(httpx.TransportError):
            http.put(url, content=body())
    with child.serving() as (_, http):
        assert http.post("/api/v1/inferlets/new/commit", json=fields()).status_code == 409


def peak_bytes(process: subprocess.Popen[str]) -> int:
    """Of resident memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_256_mb_pass_through_a_few_mb_of_memory(child: Child) -> None:
    block = os.urandom(1 << 20)
    blocks = 255
    checksum = hashlib.sha256(COMPONENT_MAGIC)
    for _ in range(blocks):
        checksum.update(block)
    size_bytes = len(COMPONENT_MAGIC) + blocks * len(block)
    asked = {"name": "big", "version": "1.0.0", "checksum": checksum.hexdigest(), "size_bytes": size_bytes, "description": ""}

    def body() -> Iterator[bytes]:
        yield COMPONENT_MAGIC
        for _ in range(blocks):
            yield block

    with child.serving() as (process, http):
        url = http.post("/api/v1/inferlets/new", json=asked).json()["upload_url"]
        before = peak_bytes(process)
        assert http.put(url, content=body(), headers={"Content-Length": str(size_bytes)}).status_code == 200
        assert http.post("/api/v1/inferlets/new/commit", json=asked).status_code == 200
        received = 0
        with http.stream("GET", "/api/v1/inferlets/big/1.0.0/download") as answer:
            for piece in answer.iter_raw():
                received += len(piece)
        assert received == size_bytes
        assert peak_bytes(process) - before < 32 << 20
