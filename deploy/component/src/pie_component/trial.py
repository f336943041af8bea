"""A component without the platform: its real process, with this process before and behind it.

Every input message carries an id of its own. The trial is over when all have been taken and answered, or when nothing has come for
a while.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import zmq

from pie_component.edges.consumer import Consumer, Queue
from pie_component.edges.producer import Producer
from pie_component.edges.window import new_session
from pie_component.errors import ComponentError
from pie_component.forms import decoded_kind, needs_marks
from pie_component.limits import TRIAL_GRACE_S, TRIAL_QUIET_S
from pie_component.slots import Output
from pie_flow.catalogue import CATALOGUE
from pie_flow.container import SPEC_VARIABLE, ContainerSpec, InputSpec, OutputSpec, ParameterSpec, Program, encode
from pie_flow.control import FromContainer, Go, Refused, Step

_SILENT_TURNS = 3
"""After which a component that has ended has nothing more to say."""


class TrialError(ComponentError):
    """The component cannot be tried out, or its container refuses to run."""


class Shown(NamedTuple):
    """What came out."""

    output: int
    value: Any
    """`Failure` where a message failed."""


class Trial:
    """`with Trial(…) as trial:` starts the container; then `send`, and iterate over `results`."""

    def __init__(
        self,
        program: Program,
        component_folder: Path,
        *,
        inputs: Sequence[str],
        outputs: Sequence[str],
        parameters: Mapping[str, ParameterSpec] | None = None,
        files: Mapping[str, str] | None = None,
        finite: bool = False,
        debug: bool = False,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))  # short: paths of sockets are
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._control = self._context.socket(zmq.ROUTER)
        self._control.bind(self._address("control"))
        self._outputs = [Output(index, CATALOGUE.parse(kind), "trial") for index, kind in enumerate(inputs)]
        """Ours, to the component's inputs."""
        self._queues: list[Queue] = [deque() for _ in outputs]
        self._consumers = [self._consumer(index, kind) for index, kind in enumerate(outputs)]
        self._sent = 0
        self._unanswered: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("work", "generated", "cache"):
            (self.folder / name).mkdir()
        self._spec = ContainerSpec(
            container_id="trial",
            deployment_id="trial",
            vertex=component_folder.name,
            generation=1,
            secret="",
            program=program,
            component_folder=str(component_folder),
            inputs=tuple(InputSpec(type=kind, address=self._address(f"in{index}")) for index, kind in enumerate(inputs)),
            outputs=tuple(OutputSpec(type=kind, addresses=(self._address(f"out{index}"),)) for index, kind in enumerate(outputs)),
            control_address=self._address("control"),
            parameters=dict(parameters or {}),
            files=dict(files or {}),
            work_folder=str(self.folder / "work"),
            generated_folder=str(self.folder / "generated"),
            cache_folder=str(self.folder / "cache"),
            finite=finite,
            debug=debug,
        )

    @property
    def generated_folder(self) -> Path:
        """What the component has written; goes with the trial."""
        return self.folder / "generated"

    def __enter__(self) -> Self:
        path = self.folder / "spec.json"
        path.write_bytes(encode(self._spec))
        environment = {**os.environ, SPEC_VARIABLE: str(path)}
        self._process = subprocess.Popen([sys.executable, "-m", "pie_component"], env=environment, stdin=subprocess.DEVNULL)
        for index, output in enumerate(self._outputs):
            session = new_session()
            output.producers = [Producer(self._context, self._address(f"in{index}"), session, output.lost)]
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        for producer in self._producers:
            producer.close(0)
        for consumer in self._consumers:
            consumer.close()
        self._context.destroy(linger=0)
        shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, position: int, value: Any) -> Iterator[Shown]:
        """Send a value to an input, waiting while the component has enough. Gives what comes out meanwhile. Raises ValueTypeError,
        TrialError."""
        output = self._outputs[position]
        checked = output.conform(value)
        while not output.has_room:
            yield from self._turn(0.1)
            if self._has_ended:
                yield from self._last()
                raise TrialError("the component ended before it had taken everything")
        self._sent += 1
        self._unanswered.add(self._sent)
        output.put(self._sent, checked)
        output.flush()
        yield from self._turn(0.0)

    def results(self, *, quiet_s: float = TRIAL_QUIET_S) -> Iterator[Shown]:
        """What comes out until it is over: all was taken, and nothing comes for a while, longer if something was not answered.
        Without inputs: until the component ends. Raises TrialError."""
        heard_at_s = time.monotonic()
        while not self._has_ended:
            shown = list(self._turn(0.05))
            yield from shown
            now_s = time.monotonic()
            if shown or any(producer.waiting_messages or not producer.is_connected for producer in self._producers):
                heard_at_s = now_s
            elif self._outputs and now_s - heard_at_s > (quiet_s if self._unanswered else min(quiet_s, 0.3)):
                return
        yield from self._last()

    # --- inside ------------------------------------------------------------------------------------------------------

    @property
    def _producers(self) -> list[Producer]:
        return [producer for output in self._outputs for producer in output.producers]

    @property
    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _address(self, name: str) -> str:
        return f"ipc://{self.folder}/{name}"

    def _consumer(self, index: int, kind: str) -> Consumer:
        parsed = CATALOGUE.parse(kind)
        decoded = Any if needs_marks(parsed) else decoded_kind(parsed)
        return Consumer(self._context, self._address(f"out{index}"), self._queues[index], decoded, new_session())

    def _turn(self, timeout_s: float) -> Iterator[Shown]:
        """Let everything happen that waits to."""
        poller = zmq.Poller()
        ends: list[Producer | Consumer] = [*self._producers, *self._consumers]
        for end in ends:
            poller.register(end.socket, end.events)
        poller.register(self._control, zmq.POLLIN)  # so that what it says wakes us
        ready = dict(poller.poll(round(timeout_s * 1000)))
        now_s = time.monotonic()
        for end in ends:
            if isinstance(end, Producer):
                end.handle(ready.get(end.socket, 0), now_s)
                end.tend(now_s)
            else:
                end.handle(ready.get(end.socket, 0))
                end.settle()
        while self._control.poll(0):
            self._listen()
        yield from self._shown()

    def _last(self) -> Iterator[Shown]:
        """What a component that has ended has sent last. Raises TrialError unless it ended well."""
        silent_turns = 0
        while silent_turns < _SILENT_TURNS:
            shown = list(self._turn(0.05))
            yield from shown
            silent_turns = 0 if shown else silent_turns + 1
        code = self._process.returncode if self._process is not None else 0
        if code not in (None, 0):
            raise TrialError(f"the component ended with exit code {code}")

    def _shown(self) -> Iterator[Shown]:
        for position, queue in enumerate(self._queues):
            while queue:
                correlation, value = queue.popleft()
                self._unanswered.discard(correlation)
                yield Shown(position, value)

    def _listen(self) -> None:
        peer, frame = self._control.recv_multipart()
        message: FromContainer = msgspec.msgpack.decode(frame, type=FromContainer)
        if isinstance(message, Refused):
            raise TrialError(message.message)
        if isinstance(message, Step) and message.step == "standby":
            self._control.send_multipart((peer, msgspec.msgpack.encode(Go())))

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        for producer in self._producers:
            producer.end()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(TRIAL_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
