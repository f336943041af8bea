"""`language: inferlet`: each message becomes a process of a program on an engine, what it returns is the result.

A record is the program's input as it is, any other value comes as `{"input": value}`; the vertex's parameters are added, except
the engine's address. Output 0 gets what the program returns (a String as it is, other types as JSON), output 1, if there is one,
each message that it sends, as it comes. Several processes run at once, results keep the order of the messages. A process that
fails, and an engine that stays away, are failures of their message alone.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from pie_client import (
    Event,
    InstallError,
    NotConnectedError,
    PieClient,
    PieClientError,
    Process,
    ProcessFailedError,
    RefusedError,
    UnreachableError,
)
from pie_component.async_thread import AsyncThread
from pie_component.config import Config
from pie_component.container import Container, Stopped, folder
from pie_component.errors import ComponentError, PreconditionError
from pie_component.limits import ENGINE_PAUSE_S, ENGINE_WAIT_S, INFERLET_CALLS_MAX
from pie_component.logs import log
from pie_component.modes.concurrent import ConcurrentMode
from pie_component.modes.mode import Emitter, Mode
from pie_component.programs.serving import server_maker
from pie_flow.container import InferletProgram
from pie_flow.types import Atom, Type
from pie_flow.values import from_json, to_json
from pie_wire.errors import ManifestError
from pie_wire.manifest import parse

_USER = "deployment"
_ENGINE_PARAMETERS = ("engine", "api_key")


class EngineError(ComponentError):
    """The engine stays away, or refuses us."""


class Upload:
    """A program that the component brings along."""

    def __init__(self, wasm: Path) -> None:
        """Raises PreconditionError."""
        self.wasm = wasm
        self.manifest = wasm.parent / "Pie.toml"
        try:
            self.name = str(parse(self.manifest.read_text("utf-8")).id)
        except (OSError, UnicodeDecodeError, ManifestError) as error:
            raise PreconditionError(f"{self.manifest} is no manifest of a program: {error}") from error
        if not wasm.is_file():
            raise PreconditionError(f"the component has no {wasm.name}")


class Engine:
    """The connection to the engine: made when needed, made anew when it was given up."""

    def __init__(self, program: InferletProgram, upload: Upload | None) -> None:
        self._program = program
        self._upload = upload
        self._client: PieClient | None = None
        self._lock = asyncio.Lock()

    @property
    def target(self) -> str:
        """What is launched."""
        return self._upload.name if self._upload is not None else self._program.program

    def is_address(self, value: Any) -> bool:
        """Whether a parameter's value is where the engine is, whatever the parameter's name."""
        return isinstance(value, str) and value.partition("://")[2] == self._program.engine.partition("://")[2] != ""

    async def connected(self, wait_s: float) -> PieClient:
        """Logged in, with the program installed. Raises EngineError when there is no engine for so long."""
        async with self._lock:
            deadline_s = asyncio.get_running_loop().time() + wait_s
            while self._client is None:
                try:
                    self._client = await self._connect()
                except RefusedError as error:
                    raise EngineError(f"the engine at {self._program.engine} refuses: {error}") from error
                except PieClientError as error:
                    if asyncio.get_running_loop().time() >= deadline_s:
                        raise EngineError(f"no engine at {self._program.engine}: {error}") from error
                    await asyncio.sleep(ENGINE_PAUSE_S)
            return self._client

    async def forget(self, client: PieClient) -> None:
        """A client that has given up."""
        if self._client is client:
            self._client = None
            await client.close(abruptly=True)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _connect(self) -> PieClient:
        client = PieClient(self._program.engine)
        await client.connect()
        try:
            key_file = self._program.api_key_file
            if key_file is None:
                await client.authenticate(_USER)
            else:
                await client.auth_by_token((await asyncio.to_thread(Path(key_file).read_text)).strip())
            await self._install(client)
        except BaseException:
            await client.close(abruptly=True)
            raise
        return client

    async def _install(self, client: PieClient) -> None:
        upload = self._upload
        if upload is None or await client.check_program(upload.name, upload.wasm, upload.manifest):
            return
        try:
            await client.install_program(upload.wasm, upload.manifest, force_overwrite=True)
        except InstallError:
            if not await client.check_program(upload.name, upload.wasm, upload.manifest):  # another vertex may have been faster
                raise


class Relay:
    """The vertex's function."""

    def __init__(self, engine: Engine, config: Config, input_type: Type, output_types: list[Type]) -> None:
        self._engine = engine
        self._config = config
        self._input_type = input_type
        self._output_types = output_types

    async def __call__(self, value: Any) -> AsyncIterator[Any]:
        """Results for the emitter: messages as they are sent, then what the process returns."""
        process = await self._launch(self._input(value))
        async with process:
            async for event, content in process:
                if event is Event.Message and len(self._output_types) > 1:
                    yield None, _value(str(content), self._output_types[1])
                elif event is Event.Return:
                    yield self._returned(str(content))
                elif event is Event.Error:
                    raise ProcessFailedError(str(content))

    async def _launch(self, arguments: dict[str, Any]) -> Process:
        for is_last in (False, True):
            client = await self._engine.connected(ENGINE_WAIT_S)
            try:
                return await client.launch_process(self._engine.target, arguments)
            except (NotConnectedError, UnreachableError):  # nothing was asked: it may be asked again
                await self._engine.forget(client)
                if is_last:
                    raise
        raise AssertionError

    def _input(self, value: Any) -> dict[str, Any]:
        content = msgspec.json.decode(to_json(value, self._input_type))
        return {**self._parameters(), **(content if isinstance(content, dict) else {"input": content})}

    def _parameters(self) -> dict[str, Any]:
        return {
            name: msgspec.json.decode(to_json(value, kind))
            for name, value, kind in self._config.typed()
            if name not in _ENGINE_PARAMETERS and not self._engine.is_address(value)
        }

    def _returned(self, text: str) -> Any:
        if not self._output_types:
            return None
        value = _value(text, self._output_types[0])
        return value if len(self._output_types) == 1 else (value, None)


def run_inferlet(container: Container, program: InferletProgram, config: Config) -> None:
    """Raises RefusalError."""
    spec = container.spec
    if len(spec.inputs) != 1 or len(spec.outputs) > 2:
        raise PreconditionError("a vertex with an inferlet has one input and at most two outputs")
    if program.api_key_file is not None and not os.access(program.api_key_file, os.R_OK):
        raise PreconditionError(f"the engine's key in {program.api_key_file} cannot be read")
    upload = None
    if program.program.endswith(".wasm"):
        upload = Upload(folder(spec.component_folder) / program.program)
    container.link.step("imported")
    container.configure()
    container.link.step("configured")
    container.stand_by()
    async_thread = AsyncThread()
    engine = Engine(program, upload)
    relay = Relay(engine, config, container.inputs[0].kind, [output.kind for output in container.outputs])
    try:
        container.wait_for_go()
        _wait_for_engine(container, async_thread, engine)
        container.connect(server_maker(container, async_thread))

        def mode(emitter: Emitter) -> Mode:
            return ConcurrentMode(
                relay,
                [slot.queue for slot in container.inputs],
                emitter,
                container.counters,
                submit=async_thread.submit,
                wake=container.wake.set,
                calls_max=INFERLET_CALLS_MAX,
            )

        container.work(mode)
    finally:
        with contextlib.suppress(TimeoutError):
            async_thread.submit(engine.close()).result(1.0)
        async_thread.close(1.0)


def _wait_for_engine(container: Container, async_thread: AsyncThread, engine: Engine) -> None:
    """An engine of the same graph may need longer than we do. Raises PreconditionError when it refuses, Stopped."""
    has_complained = False
    while not container.is_stopping:
        try:
            async_thread.submit(engine.connected(ENGINE_PAUSE_S)).result()
        except EngineError as error:
            if isinstance(error.__cause__, RefusedError):
                raise PreconditionError(str(error)) from error
            if not has_complained:
                log.info("waiting: %s", error)
                has_complained = True
        else:
            return
    raise Stopped


def _value(text: str, kind: Type) -> Any:
    """What a program gave as text, as a value. Raises ValueTypeError."""
    return text if kind == Atom("String") else from_json(text, kind)
