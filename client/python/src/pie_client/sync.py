"""The client without asyncio: the same verbs, blocking. An event loop in a thread of its own does the work."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pie_client.client import Input, PieClient
from pie_client.errors import NotConnectedError, ProcessEndedError
from pie_client.events import TERMINAL, ProcessEvent
from pie_client.keys import ParsedPrivateKey
from pie_client.process import Process
from pie_client.reconnect import Reconnect
from pie_client.results import ListedProcess

T = TypeVar("T")


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pie_client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Do it there and wait. An interrupt (Ctrl-C) here cancels it there."""
        if self._loop.is_closed():
            work.close()
            raise NotConnectedError("the client was closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


class SyncProcess:
    """`Process`, blocking."""

    def __init__(self, loop: _Loop, process: Process) -> None:
        self._loop = loop
        self._process = process

    @property
    def process_id(self) -> str:
        return self._process.process_id

    @property
    def output(self) -> list[str]:
        return self._process.output

    @property
    def ended(self) -> bool:
        return self._process.ended

    def recv(self, timeout_s: float | None = None) -> ProcessEvent:
        """As `Process.recv`. Raises `TimeoutError` if nothing comes in that time; nothing is lost then."""
        return self._loop.run(_within(self._process.recv(), timeout_s))

    def __iter__(self) -> Iterator[ProcessEvent]:
        """All events from here on, the terminal one included."""
        while True:
            try:
                event = self.recv()
            except ProcessEndedError:
                return
            yield event
            if event.event in TERMINAL:
                return

    def result(self) -> object:
        return self._loop.run(self._process.result())

    def signal(self, message: str, *, confirm: bool = False) -> None:
        self._loop.run(self._process.signal(message, confirm=confirm))

    def transfer_file(self, file_bytes: bytes, name: str = "", *, confirm: bool = False) -> None:
        self._loop.run(self._process.transfer_file(file_bytes, name, confirm=confirm))

    def terminate(self) -> None:
        self._loop.run(self._process.terminate())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._loop.run(self._process.__aexit__(None, None, None))


class SyncPieClient:
    """`PieClient`, blocking: `with SyncPieClient("ws://127.0.0.1:8080") as client`. May be used from several threads."""

    def __init__(self, server_uri: str, identity: str | None = None, *, reconnect: Reconnect | None = None) -> None:
        self._loop = _Loop()
        self._client = self._loop.run(_made(server_uri, identity, reconnect))

    def __enter__(self) -> Self:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def connect(self) -> None:
        self._loop.run(self._client.connect())

    def close(self, *, abruptly: bool = False) -> None:
        """Safe to call twice."""
        try:
            self._loop.run(self._client.close(abruptly=abruptly))
        except NotConnectedError:
            return
        finally:
            self._loop.close()

    def authenticate(self, username: str, private_key: ParsedPrivateKey | None = None) -> None:
        self._loop.run(self._client.authenticate(username, private_key))

    def auth_by_token(self, token: str) -> None:
        self._loop.run(self._client.auth_by_token(token))

    def ping(self) -> None:
        self._loop.run(self._client.ping())

    def query(self, subject: str, record: str = "") -> tuple[bool, str]:
        return self._loop.run(self._client.query(subject, record))

    def resolve_version(self, name: str, registry_url: str) -> str:
        return self._loop.run(self._client.resolve_version(name, registry_url))

    def check_program(self, inferlet: str, wasm_path: str | Path | None = None, manifest_path: str | Path | None = None) -> bool:
        return self._loop.run(self._client.check_program(inferlet, wasm_path, manifest_path))

    def install_program(self, wasm_path: str | Path, manifest_path: str | Path, force_overwrite: bool = False) -> None:
        self._loop.run(self._client.install_program(wasm_path, manifest_path, force_overwrite))

    def install_program_bytes(self, program_bytes: bytes, manifest: str, force_overwrite: bool = False) -> None:
        self._loop.run(self._client.install_program_bytes(program_bytes, manifest, force_overwrite))

    def launch_process(
        self,
        inferlet: str,
        input: Input = None,  # noqa: A002 - its name since Pie 0.4
        capture_outputs: bool = True,
        token_budget: int | None = None,
    ) -> SyncProcess:
        return self._process(self._loop.run(self._client.launch_process(inferlet, input, capture_outputs, token_budget)))

    def run(self, program: str, /, **arguments: Any) -> SyncProcess:
        return self._process(self._loop.run(self._client.run(program, **arguments)))

    def launch_processes(
        self,
        inferlet: str,
        inputs: Sequence[Input],
        capture_outputs: bool = True,
        token_budgets: Sequence[int | None] | None = None,
    ) -> list[SyncProcess]:
        launched = self._loop.run(self._client.launch_processes(inferlet, inputs, capture_outputs, token_budgets))
        return [self._process(process) for process in launched]

    def run_processes(self, inferlet: str, inputs: Sequence[Input], token_budgets: Sequence[int | None] | None = None) -> list[str]:
        return self._loop.run(self._client.run_processes(inferlet, inputs, token_budgets))

    def attach_process(self, process_id: str) -> SyncProcess:
        return self._process(self._loop.run(self._client.attach_process(process_id)))

    def list_processes(self) -> list[ListedProcess]:
        return self._loop.run(self._client.list_processes())

    def signal_process(self, process_id: str, message: str, *, confirm: bool = False) -> None:
        self._loop.run(self._client.signal_process(process_id, message, confirm=confirm))

    def transfer_file(self, process_id: str, file_bytes: bytes, name: str = "", *, confirm: bool = False) -> None:
        self._loop.run(self._client.transfer_file(process_id, file_bytes, name, confirm=confirm))

    def terminate_process(self, process_id: str) -> None:
        self._loop.run(self._client.terminate_process(process_id))

    def launch_daemon(
        self,
        inferlet: str,
        port: int,
        input: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> None:
        self._loop.run(self._client.launch_daemon(inferlet, port, input))

    def register_mcp_server(
        self,
        name: str,
        transport: str,
        command: str | None = None,
        args: Sequence[str] | None = None,
        url: str | None = None,
    ) -> None:
        self._loop.run(self._client.register_mcp_server(name, transport, command, args, url))

    def processes_of_all(self) -> list[ListedProcess]:
        return self._loop.run(self._client.processes_of_all())

    def status(self) -> dict[str, object]:
        return self._loop.run(self._client.status())

    def drain(self, enabled: bool = True) -> None:
        self._loop.run(self._client.drain(enabled))

    def reload_config(self) -> list[str]:
        return self._loop.run(self._client.reload_config())

    def _process(self, process: Process) -> SyncProcess:
        return SyncProcess(self._loop, process)


async def _made(server_uri: str, identity: str | None, reconnect: Reconnect | None) -> PieClient:
    return PieClient(server_uri, identity, reconnect=reconnect)


async def _within(work: Coroutine[object, object, T], timeout_s: float | None) -> T:
    async with asyncio.timeout(timeout_s):
        return await work
