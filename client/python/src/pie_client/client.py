"""The asyncio client of a Pie engine."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from pie_client import protocol, results
from pie_client.connection import Connection, ConnectionStatistics, Reply
from pie_client.errors import (
    ConnectionLostError,
    InstallError,
    LaunchError,
    McpServerError,
    NotConnectedError,
    PieClientError,
    ProcessNotFoundError,
    RefusedError,
)
from pie_client.files import file_chunks, program_chunks
from pie_client.keys import ParsedPrivateKey
from pie_client.limits import REATTACH_PAUSE_S, REATTACH_TIMEOUT_S
from pie_client.login import Ask, KeyLogin, TokenLogin
from pie_client.mcp import McpBridge
from pie_client.process import Process
from pie_client.reconnect import Reconnect
from pie_client.registry import newest_version
from pie_client.results import ListedProcess
from pie_client.websocket import WebSocket
from pie_wire import messages
from pie_wire.chunks import hash_of

Input = dict[str, Any] | list[Any] | None
"""What a program gets, as JSON; None: an empty object."""

_UNDO_INDEX = (1 << 32) - 1
"""A chunk number that never fits: an engine forgets an upload that it comes in."""


class PieClient:
    """A session with an engine: `async with PieClient("ws://127.0.0.1:8080") as client`.

    A lost connection is made anew, logged in again, and its processes are attached to again. Meanwhile new requests wait, and those
    that were sent and not answered raise `ConnectionLostError`: only the caller knows whether to repeat them.
    """

    def __init__(self, server_uri: str, identity: str | None = None, *, reconnect: Reconnect | None = None) -> None:
        """`identity` goes into the header `x-pie-identity`, for gateways of Pie 0.5. `reconnect=NEVER`: what is lost is lost."""
        self.server_uri = server_uri
        self._connection = Connection(
            server_uri,
            headers={} if identity is None else {"x-pie-identity": identity},
            reconnect=reconnect or Reconnect(),
            restore=self._restore,
            asked=lambda request, socket: self._connection.spawn(self._relay(request, socket)),
            unwanted=lambda process_id: self._connection.spawn(self._end_unwanted(process_id)),
        )
        self._login: KeyLogin | TokenLogin | None = None
        self._mcp = McpBridge()
        self._mcp_servers: dict[str, tuple[str, list[str]]] = {}

    # --- the session --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def connect(self) -> None:
        """Raises `UnreachableError`."""
        await self._connection.open()

    async def close(self, *, abruptly: bool = False) -> None:
        """End the session. Its processes go on; whoever waits for one here gets an error event. Safe to call twice. `abruptly`: as
        if the connection broke, so that the engine keeps for the next one what it has sent of results."""
        try:
            await self._connection.close(abruptly=abruptly)
        finally:
            await self._mcp.close()

    def statistics(self) -> ConnectionStatistics:
        return self._connection.statistics()

    async def authenticate(self, username: str, private_key: ParsedPrivateKey | None = None) -> None:
        """Log in as a user; the key is needed if the engine's authentication is on. Raises `LoginError`."""
        await self._log_in(KeyLogin(username, private_key))

    async def auth_by_token(self, token: str) -> None:
        """Log in with the engine's own token or with an API key. Raises `LoginError`."""
        await self._log_in(TokenLogin(token))

    async def ping(self) -> None:
        """Raises `RefusedError` if the engine does not say that it is well."""
        _result(await self._connection.request(messages.Ping), RefusedError, "Ping failed")

    async def query(self, subject: str, record: str = "") -> tuple[bool, str]:
        """Ask the engine about a subject, such as `model_status`: whether it answered, and its answer or why not."""
        reply = await self._connection.request(lambda corr_id: messages.Query(corr_id, subject, record))
        return reply.ok, reply.result

    # --- programs -----------------------------------------------------------------------------------------------------

    async def resolve_version(self, name: str, registry_url: str) -> str:
        """`name@version` of the newest version in a registry; a name that has a version as it is. Raises `VersionNotFoundError`."""
        return name if "@" in name else f"{name}@{await asyncio.to_thread(newest_version, name, registry_url)}"

    async def check_program(
        self, inferlet: str, wasm_path: str | Path | None = None, manifest_path: str | Path | None = None
    ) -> bool:
        """Whether the engine has a `name@version`; with both files: exactly these. Raises `ValueError`, `RefusedError`."""
        if wasm_path is None or manifest_path is None:
            return await self._check(inferlet, None, None)
        return await self.check_program_bytes(inferlet, *await asyncio.to_thread(_read, wasm_path, manifest_path))

    async def check_program_bytes(self, inferlet: str, program_bytes: bytes, manifest: str) -> bool:
        """Whether the engine has exactly this as `name@version`. Raises `ValueError`, `RefusedError`."""
        return await self._check(inferlet, hash_of(program_bytes), hash_of(manifest.encode()))

    async def install_program(self, wasm_path: str | Path, manifest_path: str | Path, force_overwrite: bool = False) -> None:
        """Install a program from its files. Raises `InstallError`. Without `force_overwrite` a version that is there stays."""
        await self.install_program_bytes(*await asyncio.to_thread(_read, wasm_path, manifest_path), force_overwrite)

    async def install_program_bytes(self, program_bytes: bytes, manifest: str, force_overwrite: bool = False) -> None:
        """Install a program: a component, and the text of its `Pie.toml`. Raises `InstallError`."""
        reply = await self._connection.upload(
            lambda corr_id: program_chunks(corr_id, program_bytes, manifest, force=force_overwrite),
            lambda corr_id: messages.AddProgram(
                corr_id, hash_of(program_bytes), manifest, force_overwrite, _UNDO_INDEX, _UNDO_INDEX, b""
            ),
        )
        _result(reply, InstallError, "Upload failed")

    # --- processes ----------------------------------------------------------------------------------------------------

    async def launch_process(
        self,
        inferlet: str,
        input: Input = None,  # noqa: A002 - its name since Pie 0.4
        capture_outputs: bool = True,
        token_budget: int | None = None,
    ) -> Process:
        """Start a process. A launch whose caller is cancelled is taken back. Raises `LaunchError`."""
        text = _json(input)
        reply = await self._connection.request(
            lambda corr_id: messages.LaunchProcess(corr_id, inferlet, text, capture_outputs, token_budget),
            protocol.opens_one if capture_outputs else protocol.opens_nothing,
            launches=capture_outputs,
        )
        process_id = _result(reply, LaunchError, "Failed to launch process")
        return Process(self, process_id, reply.inboxes.get(process_id))

    async def run(self, program: str, /, **arguments: Any) -> Process:
        """Start a process with keywords as its input: `await (await client.run("text-completion", prompt="Hi")).result()`."""
        return await self.launch_process(program, arguments)

    async def launch_processes(
        self,
        inferlet: str,
        inputs: Sequence[Input],
        capture_outputs: bool = True,
        token_budgets: Sequence[int | None] | None = None,
    ) -> list[Process]:
        """Start several processes with one request. Raises `LaunchError`; those launched before the failure go on."""
        texts, budgets = [_json(value) for value in inputs], None if token_budgets is None else list(token_budgets)
        reply = await self._connection.request(
            lambda corr_id: messages.LaunchProcesses(corr_id, inferlet, texts, capture_outputs, budgets),
            protocol.opens_many if capture_outputs else protocol.opens_nothing,
            launches=capture_outputs,
        )
        process_ids = results.strings(_result(reply, LaunchError, "Failed to launch processes"))
        return [Process(self, process_id, reply.inboxes.get(process_id)) for process_id in process_ids]

    async def run_processes(
        self, inferlet: str, inputs: Sequence[Input], token_budgets: Sequence[int | None] | None = None
    ) -> list[str]:
        """Run several processes to their ends: what they returned, in the order of the inputs. Raises `LaunchError`."""
        texts, budgets = [_json(value) for value in inputs], None if token_budgets is None else list(token_budgets)
        reply = await self._connection.request(lambda corr_id: messages.RunProcesses(corr_id, inferlet, texts, budgets))
        return results.strings(_result(reply, LaunchError, "Failed to run processes"))

    async def attach_process(self, process_id: str) -> Process:
        """Take over the events of a process that nobody is attached to. Raises `ProcessNotFoundError`."""
        reply = await self._attach(process_id)
        _result(reply, ProcessNotFoundError, "Failed to attach to process")
        return Process(self, process_id, reply.inboxes[process_id])

    async def list_processes(self) -> list[ListedProcess]:
        """The running processes of this user."""
        return results.listed(
            _result(await self._connection.request(messages.ListProcesses), RefusedError, "List processes failed")
        )

    async def signal_process(self, process_id: str, message: str, *, confirm: bool = False) -> None:
        """Send a text to a process that this session is attached to. With `confirm` (engines from 0.6 on) the engine's word
        is waited for: raises `RefusedError` if the text was dropped because too many lie unread."""
        if not confirm:
            await self._connection.send([messages.SignalProcess(process_id, message)])
            return
        reply = await self._connection.request(lambda corr_id: messages.SignalProcess(process_id, message, corr_id))
        _result(reply, RefusedError, "Failed to signal process")

    async def transfer_file(self, process_id: str, file_bytes: bytes, name: str = "", *, confirm: bool = False) -> None:
        """Send a file to a process that this session is attached to. It sees `name`. `confirm` as with `signal_process`."""
        undo = messages.TransferFile(process_id, hash_of(file_bytes), _UNDO_INDEX, _UNDO_INDEX, b"")
        if not confirm:
            await self._connection.send(file_chunks(process_id, file_bytes, name), undo)
            return
        reply = await self._connection.upload(
            lambda corr_id: file_chunks(process_id, file_bytes, name, corr_id),
            lambda corr_id: msgspec.structs.replace(undo, corr_id=corr_id),
        )
        _result(reply, RefusedError, "Failed to transfer file")

    async def terminate_process(self, process_id: str) -> None:
        """Raises `ProcessNotFoundError`."""
        reply = await self._connection.request(lambda corr_id: messages.TerminateProcess(corr_id, process_id))
        _result(reply, ProcessNotFoundError, "Failed to terminate process")

    async def terminate_unless_ended(self, process: Process) -> None:
        """As `terminate_process`; a process that has ended is no error."""
        if process.process_id and not process.ended:
            try:
                await self.terminate_process(process.process_id)
            except (ProcessNotFoundError, NotConnectedError, ConnectionLostError):
                return

    async def launch_daemon(
        self,
        inferlet: str,
        port: int,
        input: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> None:
        """Start a program that serves HTTP on a port. Raises `LaunchError`; engines from 0.6 on do not do this."""
        text = json.dumps(dict(input or {}))
        reply = await self._connection.request(lambda corr_id: messages.LaunchDaemon(corr_id, port, inferlet, text))
        _result(reply, LaunchError, "Failed to launch daemon")

    # --- MCP ----------------------------------------------------------------------------------------------------------

    async def register_mcp_server(
        self,
        name: str,
        transport: str,
        command: str | None = None,
        args: Sequence[str] | None = None,
        url: str | None = None,
    ) -> None:
        """Start an MCP server here and let the processes of this session use it. It ends with the client. Raises `McpServerError`,
        `ValueError`, `RefusedError`."""
        if transport != "stdio":
            raise McpServerError(f"register_mcp_server: transport '{transport}' is not yet supported (only 'stdio')")
        if command is None:
            raise ValueError("register_mcp_server(stdio): `command` is required")
        try:
            await self._mcp.start(name, command, args or ())
        except McpServerError as error:
            raise McpServerError(f"Local registration of MCP server '{name}' failed: {error}") from error
        try:
            await self._announce(name, command, list(args or ()), self._connection.request)
        except RefusedError:
            await self._mcp.stop(name)
            raise
        self._mcp_servers[name] = (command, list(args or ()))

    # --- for operators ------------------------------------------------------------------------------------------------

    async def processes_of_all(self) -> list[ListedProcess]:
        """The running processes of all users. Raises `RefusedError`."""
        return results.listed(await self._queried("processes"))

    async def status(self) -> dict[str, object]:
        """How the engine is doing. Raises `RefusedError`."""
        return results.table(await self._queried("status"))

    async def drain(self, enabled: bool = True) -> None:
        """Let the engine take no new processes, or let it take them again. Raises `RefusedError`."""
        _result(await self._connection.request(lambda corr_id: messages.Drain(corr_id, enabled)), RefusedError, "Drain failed")

    async def reload_config(self) -> list[str]:
        """Let the engine read its configuration again: the keys that changed and took effect. Raises `RefusedError`."""
        reply = await self._connection.request(messages.ReloadConfig)
        return results.strings(_result(reply, RefusedError, "Reloading the configuration failed"))

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _log_in(self, login: KeyLogin | TokenLogin) -> None:
        await login.perform(self._connection.request)
        self._login = login

    async def _check(self, inferlet: str, wasm_hash: str | None, manifest_hash: str | None) -> bool:
        name, at, version = inferlet.rpartition("@")
        if not at:
            raise ValueError("Version required: use 'name@version' format")
        reply = await self._connection.request(
            lambda corr_id: messages.CheckProgram(corr_id, name, version, wasm_hash, manifest_hash)
        )
        return _result(reply, RefusedError, "CheckProgram failed") == "true"

    async def _queried(self, subject: str) -> str:
        ok, result = await self.query(subject)
        if not ok:
            raise RefusedError(f"Query '{subject}' failed", result)
        return result

    async def _announce(self, name: str, command: str, arguments: list[str], ask: Ask) -> None:
        reply = await ask(lambda corr_id: messages.RegisterMcpServer(corr_id, name, "stdio", command, arguments))
        _result(reply, RefusedError, "Register MCP server failed")

    async def _relay(self, request: messages.McpRequest, socket: WebSocket) -> None:
        """The answer goes where the request came from: on the next connection its number means something else."""
        await socket.try_to_send(await self._mcp.answer(request))

    async def _attach(self, process_id: str, *, restoring: bool = False) -> Reply:
        return await self._connection.request(
            lambda corr_id: messages.AttachProcess(corr_id, process_id),
            lambda _: protocol.opens_one(process_id),
            restoring=restoring,
        )

    async def _end_unwanted(self, process_id: str) -> None:
        try:
            await self.terminate_process(process_id)
        except PieClientError:
            return  # it has ended by itself, or the connection has

    async def _restore(self) -> None:
        """On a new connection: be who we were, have what we had."""
        ask = partial(self._connection.request, restoring=True)
        if self._login is not None:
            await self._login.perform(ask)
        for name, (command, arguments) in self._mcp_servers.items():
            await self._announce(name, command, arguments, ask)
        await asyncio.gather(*map(self._reattach, self._connection.processes()))

    async def _reattach(self, process_id: str) -> None:
        reply = await self._attach(process_id, restoring=True)
        if not reply.ok:
            self._connection.spawn(self._reattach_later(process_id, reply.result))

    async def _reattach_later(self, process_id: str, why: str) -> None:
        """The engine may still count the old connection; or the process is gone, which its list of processes tells."""
        deadline = asyncio.get_running_loop().time() + REATTACH_TIMEOUT_S
        try:
            while asyncio.get_running_loop().time() < deadline and await self._runs(process_id):
                await asyncio.sleep(REATTACH_PAUSE_S)
                reply = await self._attach(process_id)
                if reply.ok:
                    return
                why = reply.result
        except ConnectionLostError:
            return  # the next connection begins anew
        except PieClientError as error:
            why = str(error)
        self._connection.fail(process_id, f"lost with the connection: {why}")

    async def _runs(self, process_id: str) -> bool:
        return any(process.id == process_id for process in await self.list_processes())


def _result(reply: Reply, refusal: type[RefusedError], what: str) -> str:
    if not reply.ok:
        raise refusal(what, reply.result)
    return reply.result


def _json(value: Input) -> str:
    return json.dumps({} if value is None else value)


def _read(wasm_path: str | Path, manifest_path: str | Path) -> tuple[bytes, str]:
    return Path(wasm_path).read_bytes(), Path(manifest_path).read_text("utf-8")
