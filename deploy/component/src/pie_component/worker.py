"""The loop of a container: one thread that waits for its sockets, lets the mode work, and sends what came of it.

    poll ──▶ receive ──▶ tick, tick, … (as long as there is work, room, and the slice) ──▶ flush ──▶ poll

Small costs decide here: messages come and go in batches, and a turn without endpoints makes a handful of system calls.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import zmq

from pie_component.counters import Counters
from pie_component.edges.consumer import Consumer
from pie_component.edges.producer import Producer
from pie_component.limits import DRAIN_POLL_S, DRAIN_S, IDLE_S, PAUSED_POLL_S, REOPEN_S, SETTLE_S, SLICE_NS
from pie_component.logs import log
from pie_component.modes.mode import Mode
from pie_component.slots import Input, Output
from pie_component.virtual import VirtualInput, VirtualOutput
from pie_component.wake import Wake
from pie_flow.control import EdgeCounters, Pulse

if TYPE_CHECKING:  # most containers have no endpoints and start faster without
    from pie_component.endpoints.server import EndpointServer


class Worker:
    def __init__(
        self,
        *,
        inputs: Sequence[Input],
        outputs: Sequence[Output],
        server: "EndpointServer | None",
        counters: Counters,
        wake: Wake,
        between: Callable[[], None],
        virtual_input: VirtualInput | None = None,
        virtual_output: VirtualOutput | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`between` is called when the wake was set, between two invocations."""
        self.is_stopping = False
        """Set by whoever wants it to end, with `wake`."""
        self._inputs = inputs
        self._outputs = outputs
        self._server = server
        self._counters = counters
        self._wake = wake
        self._between = between
        self._virtual_input = virtual_input
        self._virtual_output = virtual_output
        self._clock = clock
        self._consumers = [slot.consumer for slot in inputs if slot.consumer is not None]
        self._producers = [producer for output in outputs for producer in output.producers]
        self._poller = zmq.Poller()
        self._by_socket: dict[object, Consumer | Producer] = {}
        self._events: dict[object, int] = {}
        self._tended_at_s = 0.0

    @property
    def is_connected(self) -> bool:
        """All edges are connected both ways."""
        return all(consumer.is_connected for consumer in self._consumers) and all(
            producer.is_connected for producer in self._producers
        )

    def run(self, mode: Mode, on_connected: Callable[[], None], *, ends_when_done: bool = False) -> None:
        """Work until it is told to stop, or there is nothing left to do if `ends_when_done`. `on_connected` is called once."""
        self._register()
        server = self._server if self._server is not None and not self._server.is_threaded else None
        is_connected = False
        while not self.is_stopping:
            if not is_connected and self.is_connected:
                is_connected = True
                on_connected()
            has_more = self._work(mode)
            self._flush()
            if mode.is_done and ends_when_done and is_connected and self._is_sent:
                return
            if server is not None and server.conversations.is_paused:
                server.conversations.resume()
            self._turn(0.0 if has_more else self._timeout_s())

    def drain(self, mode: Mode) -> None:
        """Let what was accepted be done and what comes of it reach its consumers, within some time. Nothing new is let in: no
        requests, nothing that the component's own threads push, nothing that a source would make.

        All containers of a graph are told to end at the same time; each goes on until its producers have said that they have
        ended, so they end along the graph. A producer that goes on, or has died, or is one's own consumer, is waited for all the
        time.
        """
        if self._server is not None:
            self._server.say_goodbye()
        if self._virtual_input is not None:
            self._virtual_input.close()
        deadline_s = self._clock() + DRAIN_S
        while self._clock() < deadline_s:
            has_more = self._finish(mode)
            self._flush()
            if not has_more and self._is_drained(mode):
                break
            self._turn(0.0 if has_more else DRAIN_POLL_S)
        self._say_end()

    def pulse(self) -> Pulse:
        """What was counted. May be called from any thread."""
        return Pulse(
            ticks=self._counters.ticks,
            failures=self._counters.failures,
            inputs=tuple(_input_counters(slot) for slot in self._inputs),
            outputs=tuple(
                _output_counters(output.position, index, one)
                for output in self._outputs
                for index, one in enumerate(output.producers)
            ),
            dropped_subscribers=self._counters.dropped_subscribers,
            refused_requests=self._counters.refused_requests,
        )

    # --- a turn ------------------------------------------------------------------------------------------------------

    def _work(self, mode: Mode) -> bool:
        """Tick until there is nothing to do, no room, or the slice is over. Returns whether there is more."""
        until_ns = time.monotonic_ns() + SLICE_NS
        tick, has_room = mode.tick, self._has_room
        while has_room():
            if not tick():
                return False
            if time.monotonic_ns() >= until_ns:
                return True
        return False

    def _finish(self, mode: Mode) -> bool:
        """A turn's work before the end; whether there is more."""
        if self._inputs or self._virtual_input is not None:
            return self._work(mode)
        while mode.finish():
            pass
        return False

    def _is_drained(self, mode: Mode) -> bool:
        """Nothing can be done, and nothing will come. There may be messages that wait for partners, which do not come either."""
        is_over = all(consumer.intake.is_over for consumer in self._consumers)
        is_idle = self._server is None or self._server.is_idle
        return is_over and is_idle and not mode.is_busy and self._is_sent and self._has_room()

    def _say_end(self) -> None:
        """To the consumers; and to people, what was given up."""
        for producer in self._producers:
            producer.end()
        waiting = sum(len(slot.queue) for slot in self._inputs)
        if waiting:
            log.warning("%d messages were waiting at the end, and are lost", waiting)

    def _has_room(self) -> bool:
        for output in self._outputs:
            if not output.has_room:
                return False
        return self._virtual_output is None or self._virtual_output.has_room

    def _flush(self) -> None:
        for output in self._outputs:
            output.flush()
        for consumer in self._consumers:
            consumer.tend()

    def _turn(self, timeout_s: float) -> None:
        """Wait for something and take it in."""
        ready = self._poller.poll(round(timeout_s * 1000))
        if not ready:
            self._idle()
            return
        now_s = self._clock()
        for socket, events in ready:
            end = self._by_socket.get(socket)
            if isinstance(end, Consumer):
                end.handle(events)
                self._watch(end)
            elif isinstance(end, Producer):
                end.handle(events, now_s)
                self._watch(end)
            else:
                self._handle_other(socket)
        if now_s - self._tended_at_s >= SETTLE_S:
            self._tend(now_s)

    def _handle_other(self, socket: object) -> None:
        if socket == self._wake.fd:
            self._wake.clear()
            self._between()
        elif self._server is not None:
            if socket == self._server.wake_fd:
                self._server.handle_posted()
            elif socket is self._server.monitor:
                self._server.handle_monitor()
            else:
                self._server.handle()

    def _idle(self) -> None:
        for consumer in self._consumers:
            consumer.settle()
        self._tend(self._clock())

    def _tend(self, now_s: float) -> None:
        self._tended_at_s = now_s
        for producer in self._producers:
            producer.tend(now_s)
            self._watch(producer)
        if self._virtual_input is not None:
            self._virtual_input.tend()
        if self._server is not None and not self._server.is_threaded:
            self._server.tend(now_s)

    def _timeout_s(self) -> float:
        if self._server is not None and self._server.conversations.is_paused:
            return PAUSED_POLL_S
        if any(producer.is_waiting for producer in self._producers):
            return REOPEN_S / 2
        if not all(consumer.is_settled for consumer in self._consumers):
            return SETTLE_S
        return SETTLE_S if self._virtual_input is not None else IDLE_S

    @property
    def _is_sent(self) -> bool:
        return all(producer.is_sent for producer in self._producers)

    # --- sockets -----------------------------------------------------------------------------------------------------

    def _register(self) -> None:
        self._poller.register(self._wake.fd, zmq.POLLIN)
        ends: list[Consumer | Producer] = [*self._consumers, *self._producers]
        for end in ends:
            self._by_socket[end.socket] = end
            self._watch(end)
        if self._server is not None and not self._server.is_threaded:
            # The monitor first: that one gateway has gone is known before the next one's requests are read.
            for part in (self._server.monitor, self._server.socket, self._server.wake_fd):
                self._poller.register(part, zmq.POLLIN)

    def _watch(self, end: Consumer | Producer) -> None:
        """Wait for what the end waits for now."""
        events = end.events
        if self._events.get(end.socket) != events:
            self._events[end.socket] = events
            self._poller.register(end.socket, events)


def _input_counters(slot: Input) -> EdgeCounters:
    intake = slot.consumer.intake if slot.consumer is not None else None
    return EdgeCounters(
        position=slot.position,
        messages=(intake.messages if intake is not None else 0) + slot.brought,
        size_bytes=intake.size_bytes if intake is not None else 0,
        waiting=len(slot.queue),
        lost=intake.lost if intake is not None else 0,
    )


def _output_counters(position: int, consumer: int, producer: Producer) -> EdgeCounters:
    outflow = producer.outflow
    return EdgeCounters(
        position=position,
        consumer=consumer,
        messages=outflow.messages,
        size_bytes=outflow.size_bytes,
        waiting=producer.waiting_messages,
        lost=outflow.lost,
    )
