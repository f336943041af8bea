"""One running guest: a store with a component in it, the handles it holds, and the object that host functions know it by."""

from typing import TYPE_CHECKING, Any

from pie.errors import GuestError
from pie.sandbox import bindings as c
from pie.sandbox.faults import failure
from pie.sandbox.fiber import Fiber
from pie.sandbox.handles import HandleTable
from pie.sandbox.interface import Err, Ok

if TYPE_CHECKING:
    from pie.sandbox.program import Program


class Instance:
    """Made by `Program.start`. To be closed by whoever started it; until then it holds its memory."""

    def __init__(self, program: "Program", state: object, memory_bytes_max: int) -> None:
        self._program = program
        self._state = state
        self._fiber: Fiber | None = None
        self._is_closed = False
        limits = program.limits
        self._handles = HandleTable(limits.handles_max)
        self._store: int = c.store_new(program.engine, 0, 0)
        self._context: int = c.store_context(self._store)
        self._instance = c.Slots(2)
        c.store_limiter(
            self._store,
            memory_bytes_max,
            limits.table_elements_max,
            limits.core_instances_max,
            limits.tables_max,
            limits.memories_max,
        )
        c.context_epoch_deadline_async_yield(self._context, 1)

    async def instantiate(self) -> None:
        """Called once, by `Program.start`. The guest may run code of its own here. Raises `GuestError`."""
        error = c.Slots(1)
        call = c.instantiate_async(
            self._program.linker, self._context, self._program.component, self._instance.address, error.address
        )
        await self._drive(call, error)

    async def run(self, text: str) -> Ok | Err:
        """What the program's `run` returns for `text`. Raises `GuestError` if it fails, `GuestExit` if it exits."""
        interface = self._program.run_interface
        result: Ok | Err = await self.call(interface, "run", text)
        return result

    async def call(self, interface: str, function: str, *arguments: object) -> Any:
        """Call an exported function; results of type result<…> come as `Ok` or `Err`.

        Raises `GuestError` if the guest fails or is killed, `GuestExit` if it exits; it cannot be called again then. Raises
        `ProgramError` if there is no such function. Cancelling the call kills the guest.
        """
        assert self._fiber is None, "an instance runs one call at a time"
        if self._is_closed:
            raise GuestError("the program has ended")
        exported = self._program.exported(interface, function)
        target = c.Slots(4)
        c.instance_get_func(self._instance.address, self._context, exported.index, target.address)
        error = c.Slots(1)
        with exported.lowered(arguments) as frame:
            call = c.func_call_async(
                target.address, self._context, frame.arguments, len(arguments), frame.results, exported.result_count, error.address
            )
            await self._drive(call, error)
            return exported.lifted(frame)

    async def _drive(self, call: int, error: c.Slots) -> None:
        fiber = self._fiber = Fiber(self._program.turns, self._context, self._state, self._handles, call)
        try:
            await fiber.run()
        finally:
            self._fiber = None
            text = c.take_error(error[0]) if error[0] else fiber.message
            if self._is_closed:
                self._free()
        if fiber.error is not None:
            raise fiber.error
        if text:
            raise failure(text, fiber.fault)

    def kill(self, error: BaseException | None = None) -> None:
        """End the guest here and now, whatever it does; a call under way raises `error`. From the loop's thread, at any moment."""
        if self._fiber is not None:
            self._fiber.end(error or GuestError("the program was stopped"))
        self.close()

    def close(self) -> None:
        """Free everything: memory, and the objects behind the handles that the guest still holds. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._program.running.discard(self)
        if self._fiber is None:
            self._free()
        else:
            self._fiber.end(GuestError("the program was stopped"))

    def _free(self) -> None:
        """Once no fiber is left that could touch the store."""
        store, self._store = self._store, 0
        if store:
            self._handles.drop_all()
            c.store_delete(store)
