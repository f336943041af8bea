"""The composition root of a container: from its spec to a worker that runs.

started → imported → configured → standby     inputs bound; the old generation may still serve
Go → connected → ready                        outputs connect, endpoints listen, edges know each other both ways
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import zmq

from pie_component.config import Config, Files, Settings
from pie_component.control import ControlLink
from pie_component.counters import Counters
from pie_component.edges.consumer import Consumer
from pie_component.edges.producer import Producer
from pie_component.edges.window import new_session
from pie_component.errors import ComponentError, PreconditionError, RefusalError
from pie_component.forms import decoded_kind, needs_marks
from pie_component.limits import EXIT_GRACE_S
from pie_component.logs import log
from pie_component.modes.mode import Emitter, Mode, Push
from pie_component.slots import Input, Output
from pie_component.virtual import VirtualInput, VirtualOutput
from pie_component.wake import Wake
from pie_component.worker import Worker
from pie_flow.catalogue import CATALOGUE
from pie_flow.container import ContainerSpec
from pie_flow.control import ConfigApplied, Pulse, Refused
from pie_flow.errors import FlowError
from pie_flow.types import Type

if TYPE_CHECKING:
    from pie_component.endpoints.server import EndpointServer

EXIT_REFUSED = 78
"""What the shell's tradition calls a configuration error: starting again would not help."""

MakeMode = Callable[[Emitter], Mode]


class Stopped(BaseException):
    """The container is told to end before its worker runs."""


class Container:
    """One per process."""

    def __init__(self, spec: ContainerSpec, config: Config, files: Files) -> None:
        self.spec = spec
        self.counters = Counters()
        self.settings = Settings(config, files)
        self.wake = Wake()
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        """Of the component's own endpoints, by name."""
        self.on_change: Callable[[dict[str, str]], None] = lambda parameters: None
        """Called with the literals of changed parameters; a transformation takes them."""
        self.zmq_context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.link = ControlLink(self.zmq_context, spec, os.urandom(8).hex(), os.getpid(), self.wake, self._pulse)
        self.is_stopping = False
        self._worker: Worker | None = None
        self.server: EndpointServer | None = None
        self._is_held = False
        self._has_connected = False
        self._is_closing = False

    # --- the way to a running worker ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Say hello, and end properly when told to."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self.link.start()

    def configure(self) -> None:
        """Read parameters and files. Raises PreconditionError."""
        spec = self.spec
        self.settings.load(spec.parameters, spec.files, spec.mutable_files, spec.config_seq)

    def stand_by(self) -> None:
        """Make inputs and outputs; bind what others connect to. Raises RefusalError."""
        for position, input_spec in enumerate(self.spec.inputs):
            slot = Input(position, _type(input_spec.type, f"input {position}"))
            if input_spec.address is not None:
                kind = Any if needs_marks(slot.kind) else decoded_kind(slot.kind)
                slot.consumer = Consumer(self.zmq_context, input_spec.address, slot.queue, kind, new_session(), position=position)
            self.inputs.append(slot)
        for position, output_spec in enumerate(self.spec.outputs):
            self.outputs.append(Output(position, _type(output_spec.type, f"output {position}"), self.spec.vertex))
        self.link.step("standby")

    def wait_for_go(self) -> None:
        """Raises Stopped."""
        while not self.link.may_go:
            if self.is_stopping:
                raise Stopped
            self.wake.wait(1.0)

    def connect(self, make_server: "Callable[[], EndpointServer] | None" = None) -> None:
        """Connect the outputs, listen for the gateway. Raises RefusalError."""
        for output, output_spec in zip(self.outputs, self.spec.outputs, strict=True):
            output.producers = [
                Producer(self.zmq_context, address, new_session(), output.lost) for address in output_spec.addresses
            ]
        if make_server is not None:
            self.server = make_server()

    def work(
        self,
        make_mode: MakeMode,
        *,
        push: Push | None = None,
        virtual_input: VirtualInput | None = None,
        virtual_output: VirtualOutput | None = None,
    ) -> None:
        """Run until told to stop, or until a finite component has nothing left to do."""
        emitter = Emitter(self.outputs, self.spec.vertex, self.counters, push)
        mode = make_mode(emitter)
        worker = self._worker = Worker(
            inputs=self.inputs,
            outputs=self.outputs,
            server=self.server,
            counters=self.counters,
            wake=self.wake,
            between=self._between,
            virtual_input=virtual_input,
            virtual_output=virtual_output,
        )
        worker.is_stopping = self.is_stopping
        self._between()
        gc.freeze()  # what was imported stays: looking through it again and again would only delay messages
        worker.run(mode, self._on_connected, ends_when_done=self.spec.finite)
        worker.drain(mode)

    # --- readiness ---------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """The component will say itself when it is ready."""
        self._is_held = True

    def release(self) -> None:
        """The component is ready. From any thread."""
        self._is_held = False
        if self._has_connected:
            self.link.ready()

    def _on_connected(self) -> None:
        self._has_connected = True
        self.link.step("connected")
        if not self._is_held:
            self.link.ready()
        log.debug("connected")

    # --- between two invocations -------------------------------------------------------------------------------------

    def _between(self) -> None:
        if self._worker is not None and self.is_stopping:
            self._worker.is_stopping = True
        while self.link.changes:
            change = self.link.changes.popleft()
            errors = self.settings.change(change.seq, change.parameters, change.files)
            taken = {name: text for name, text in change.parameters.items() if name not in errors}
            if taken:
                try:
                    self.on_change(taken)
                except FlowError as error:
                    errors |= dict.fromkeys(taken, str(error))
            self.link.config_applied(ConfigApplied(seq=change.seq, errors=errors))

    def stop(self) -> None:
        """End after the current invocation. From any thread, and from a signal handler."""
        self.is_stopping = True
        self.wake.set()

    # --- the end -----------------------------------------------------------------------------------------------------

    def refuse(self, error: RefusalError) -> None:
        """Tell the control plane that starting again would not help."""
        log.error("%s", error)
        self.link.refuse(Refused(reason="transport" if error.reason == "transport" else "precondition", message=str(error)))

    def close(self) -> None:
        """End all sockets and threads; what waits to be sent has a second or two."""
        self._is_closing = True
        linger_ms = 1000
        if self.server is not None:
            self.server.close(linger_ms)
        for slot in self.inputs:
            if slot.consumer is not None:
                slot.consumer.close()
        for output in self.outputs:
            for producer in output.producers:
                producer.close(linger_ms)
        self.link.close()
        self.zmq_context.destroy(linger=0)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()
        if self._worker is None and not self._is_closing:  # whatever the module is loading is of no use any more
            raise Stopped

    def _pulse(self) -> Pulse:
        return self._worker.pulse() if self._worker is not None else Pulse(ticks=0, failures=0)


def serve(container: Container, program: Callable[[Container], None]) -> int:
    """Run a program in a container, from hello to goodbye. Returns the exit code."""
    code = 1
    try:
        container.start()
        program(container)
        code = 0
    except Stopped:
        code = 0
    except ComponentError as error:
        container.refuse(error if isinstance(error, RefusalError) else PreconditionError(str(error)))
        code = EXIT_REFUSED
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    finally:
        _end_within(EXIT_GRACE_S, code)
        sys.stdout.flush()
        container.close()
    return code


def _end_within(seconds: float, code: int) -> None:
    """End the process, also when threads of the author's own do not."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def folder(path: str | None) -> Path:
    """Raises PreconditionError."""
    if path is None:
        raise PreconditionError("the container has no component folder")
    return Path(path)


def _type(text: str, what: str) -> Type:
    try:
        return CATALOGUE.parse(text)
    except FlowError as error:
        raise PreconditionError(f"{what}: {error}") from error
