"""The way of one host function: from wasmtime's callback through lifting, the Python function and lowering back to the guest.

This is the hottest Python of the engine. Everything that depends on types is decided when the callback is built. A function that
answers at once costs no task and no future: its continuation is done before wasmtime looks at it.

Whatever a host function raises stays in here (an exception must never leave a ctypes callback):

| raised | what happens |
|---|---|
| `GuestFault`, where the result has an error arm | the guest gets the error arm |
| `PieError`, where the error arm is a record {code, message} | the guest gets the error arm |
| `GuestExit` | the guest ends; whoever called it gets the `GuestExit` |
| `GuestTrap`, `PieError` | the guest is trapped with that message |
| anything else | the guest is trapped, the exception is logged |
"""

import asyncio
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pie.errors import PieError
from pie.sandbox import bindings as c
from pie.sandbox.fiber import Fiber
from pie.sandbox.handles import Crossing
from pie.sandbox.interface import GuestExit, GuestFault, GuestTrap, HostFunction
from pie.sandbox.lift import Classes, lifter
from pie.sandbox.lower import Lower, arm_lowerer, lowerer
from pie.sandbox.scratch import Scratch
from pie.sandbox.turns import Turns
from pie.sandbox.wit import Function, Record, Result, String

log = logging.getLogger(__name__)

_ERROR_RECORD = Record((("code", String()), ("message", String())))


@dataclass(frozen=True, slots=True)
class Crossings:
    """What all host functions of a sandbox share."""

    turns: Turns
    scratch: Scratch
    handles: Crossing


class HostCall:
    """One host function as it is called with one list of types. `callback` is what wasmtime calls; keep it as long as that.

    The converters are made at the first call that needs them: a program imports some 150 functions and calls ten.
    """

    def __init__(self, name: str, function: HostFunction, types: Function, classes: Classes, shared: Crossings) -> None:
        self.name = name
        self.suspends = may_suspend(function)
        self._types = types
        self._classes = classes
        self._shared = shared
        self._lift: Callable[[int], tuple[Any, ...]] = self._first_lift
        self._lower: Lower = self._first_lower
        self._fault: Lower | None = self._first_fault if isinstance(types.result, Result) else None
        self._takes_pie_errors = isinstance(types.result, Result) and types.result.err == _ERROR_RECORD
        if self.suspends:
            self.callback: Any = c.ASYNC_CALLBACK(self._suspending(function, shared.turns))
        else:
            self.callback = c.SYNC_CALLBACK(self._synchronous(function, shared.turns))

    def _synchronous(self, function: HostFunction, turns: Turns) -> Callable[..., int]:
        def callback(data: int, context: int, kind: int, arguments: int, count: int, results: int, result_count: int) -> int:
            fiber: Fiber = turns.current  # type: ignore[assignment]
            try:
                self._lower(function(fiber.state, *self._lift(arguments)), results)
                return 0
            except BaseException as error:
                return self._failed(error, fiber, results)

        return callback

    def _suspending(self, function: HostFunction, turns: Turns) -> Callable[..., None]:
        memory, is_done, done, write_continuation = c.MEMORY, c.IS_DONE, c.DONE, c.write_continuation

        def callback(
            data: int,
            context: int,
            kind: int,
            arguments: int,
            count: int,
            results: int,
            result_count: int,
            error_out: int,
            continuation: int,
        ) -> None:
            write_continuation(memory, continuation, is_done, done, 0)
            fiber: Fiber = turns.current  # type: ignore[assignment]
            try:
                value = function(fiber.state, *self._lift(arguments))
                if not hasattr(value, "__await__"):
                    self._lower(value, results)
                elif asyncio.isfuture(value) and value.done():
                    self._lower(value.result(), results)
                else:
                    fiber.wait(value, self._answer, results, continuation)
            except BaseException as error:
                c.write_word(memory, error_out, self._failed(error, fiber, results))

        return callback

    def _first_lift(self, arguments: int) -> tuple[Any, ...]:
        self._lift = lifter(self._types.parameters, self._classes, self._shared.handles)
        return self._lift(arguments)

    def _first_lower(self, value: Any, target: int) -> None:
        result = self._types.result
        if result is None:
            self._lower = _nothing
        elif isinstance(result, Result):
            self._lower = arm_lowerer(result.ok, True, self._shared.scratch, self._shared.handles)
        else:
            self._lower = lowerer(result, self._shared.scratch, self._shared.handles)
        self._lower(value, target)

    def _first_fault(self, payload: Any, target: int) -> None:
        assert isinstance(self._types.result, Result)
        self._fault = arm_lowerer(self._types.result.err, False, self._shared.scratch, self._shared.handles)
        self._fault(payload, target)

    def _answer(self, future: "asyncio.Future[Any]", fiber: Fiber, results: int) -> int:
        """Write what a suspended call came to. 0, or an error if the guest must not go on."""
        try:
            self._lower(future.result(), results)
            return 0
        except BaseException as error:
            return self._failed(error, fiber, results)

    def _failed(self, error: BaseException, fiber: Fiber, results: int) -> int:
        """Answer with the error arm if it is meant for it and return 0, else an error that traps the guest."""
        self._shared.scratch.clear()
        try:
            if self._fault is not None:
                if isinstance(error, GuestFault):
                    self._fault(error.payload, results)
                    return 0
                if self._takes_pie_errors and isinstance(error, PieError):
                    self._fault(error, results)
                    return 0
        except Exception as second:
            self._shared.scratch.clear()
            second.__cause__ = error
            error = second
        return self._trap(error, fiber)

    def _trap(self, error: BaseException, fiber: Fiber) -> int:
        fiber.fault = error
        if isinstance(error, (GuestExit, GuestTrap, PieError)):
            message = str(error)
        else:
            message = f"{self.name} failed in the host: {type(error).__name__}: {error}"
            log.error("%s raised", self.name, exc_info=error)
        code: int = c.error_new(message.replace("\0", "").encode("utf-8", "replace"))
        return code


def may_suspend(function: HostFunction) -> bool:
    return getattr(function, "pie_suspends", False) or inspect.iscoroutinefunction(function)


def _nothing(value: Any, target: int) -> None:
    if value is not None:
        raise TypeError(f"the function has no result, but returned a {type(value).__name__}")
