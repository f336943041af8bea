"""`pie:inferlet/context`: handles on the KV cache."""

from dataclasses import dataclass

from pie.host.guest import Guest
from pie.host.served import ServedModel
from pie.sandbox.interface import Interface
from pie.sched.context import Context


@dataclass(slots=True)
class GuestContext:
    """A scheduler's context together with the model it belongs to. Dropping the handle releases its pages."""

    model: ServedModel
    context: Context

    def drop(self) -> None:
        self.context.release()


@dataclass(frozen=True, slots=True)
class ContextUsage:
    length: int
    page_size: int
    committed_pages: int
    working_pages: int


def new_context(guest: Guest, model: ServedModel) -> GuestContext:
    return GuestContext(model, model.scheduler.create_context(guest.process.id, guest.process.username))


def open_saved(guest: Guest, model: ServedModel, name: str) -> GuestContext:
    return GuestContext(model, model.scheduler.open_context(guest.process.id, guest.process.username, name))


def take_saved(guest: Guest, model: ServedModel, name: str) -> GuestContext:
    return GuestContext(model, model.scheduler.take_context(guest.process.id, guest.process.username, name))


def delete_saved(guest: Guest, model: ServedModel, name: str) -> None:
    model.scheduler.delete_context(guest.process.username, name)


def fork(_: Guest, held: GuestContext) -> GuestContext:
    return GuestContext(held.model, held.context.fork())


def save(_: Guest, held: GuestContext, name: str) -> None:
    held.context.save(name)


def snapshot(_: Guest, held: GuestContext) -> str:
    return held.context.snapshot()


def release(_: Guest, held: GuestContext) -> None:
    held.context.release()


def truncate(_: Guest, held: GuestContext, length: int) -> None:
    held.context.truncate(length)


def usage(_: Guest, held: GuestContext) -> ContextUsage:
    length = held.context.length
    page_size = held.model.scheduler.limits.page_size
    return ContextUsage(length, page_size, length // page_size, 1 if length % page_size else 0)


INTERFACE = Interface(
    name="pie:inferlet/context@0.1.0",
    functions={
        "[constructor]context": new_context,
        "[static]context.open": open_saved,
        "[static]context.take": take_saved,
        "[static]context.delete": delete_saved,
        "[method]context.fork": fork,
        "[method]context.save": save,
        "[method]context.snapshot": snapshot,
        "[method]context.release": release,
        "[method]context.truncate": truncate,
        "[method]context.usage": usage,
    },
    resources={"context": GuestContext, "model": ServedModel},
)
