"""`pie:inferlet/session`: the client at the other end."""

import asyncio

from pie.host import file_transfer
from pie.host.guest import Guest
from pie.host.inbox import Inbox
from pie.processes.events import ProcessEvent
from pie.sandbox.interface import Interface, Some, suspends
from pie.wasi.poll import FuturePollable, Pollable


class FutureText:
    def __init__(self, inbox: Inbox) -> None:
        self.future = inbox.receive()
        self._inbox = inbox
        self._was_read = False

    def get(self) -> Some | None:
        self._was_read = self.future.done()
        return Some(self.future.result()) if self._was_read else None

    def drop(self) -> None:
        """A receiver that is dropped unread takes no text, also if one had come for it."""
        if self.future.cancel() or self._was_read:
            return
        text = self.future.result()
        if text is not None:
            self._inbox.give_back(text)


@suspends
def send(guest: Guest, text: str) -> asyncio.Future[None] | None:
    return guest.outbox.send(ProcessEvent("message", text))


def receive(guest: Guest) -> FutureText:
    return FutureText(guest.inbox)


def subscribe(_: Guest, text: FutureText) -> Pollable:
    return FuturePollable(text.future)


def get(_: Guest, text: FutureText) -> Some | None:
    return text.get()


INTERFACE = Interface(
    name="pie:inferlet/session@0.1.0",
    functions={
        "send": send,
        "receive": receive,
        "[method]future-text.subscribe": subscribe,
        "[method]future-text.get": get,
        **file_transfer.FUNCTIONS,
    },
    resources={"future-text": FutureText, "pollable": Pollable, **file_transfer.RESOURCES},
)
