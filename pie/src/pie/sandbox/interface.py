"""How host functions are declared: plain Python, nothing of wasmtime.

An `Interface` names a WIT interface, its functions and its resource types. `pie.sandbox.linker` turns it into something a guest
can import; whoever defines host functions (`pie.wasi`, `pie.host`) needs only this module.

Values cross like this, in both directions unless said otherwise:

| WIT | Python |
|---|---|
| bool, integers, floats; char, string | bool, int, float; str |
| list<u8> | bytes (the host may also return bytearray, memoryview) |
| list<u16…u64, s8…s64, f32, f64> | guest → host: numpy array with memory of its own; host → guest: array or sequence of numbers |
| other lists; tuple | list; tuple |
| option<T> | None or the value; option<option<T>>: None, `Some(None)`, `Some(value)` |
| result<T, E> as a host function's result | return T; raise `GuestFault(E)` |
| result<T, E> elsewhere | `Ok(value)` or `Err(value)` |
| record | guest → host: the class registered in `Interface.types`, else a named tuple; host → guest: what has the attributes |
| variant | `(case, payload)`, payload None where there is none |
| enum; flags | str; frozenset of str |
| own<R>, borrow<R> | the Python object |

Names keep their WIT spelling in case, enum and flag names; record fields become attributes with underscores.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

HostFunction = Callable[..., Any]
"""Called as function(store_state, *arguments); `store_state` is the object that the instance was started with."""

F = TypeVar("F", bound=HostFunction)


@dataclass(frozen=True, slots=True)
class Interface:
    """A WIT interface as the host implements it.

    name: with package and version, "wasi:io/poll@0.2.9". A guest that asks for another compatible version gets this one.
    functions: by WIT name: "poll", "[method]pollable.ready", "[static]context.open", "[constructor]context".
    resources: WIT resource name → Python class of its values. The same class in two interfaces is the same resource type.
        A class with a `drop()` method is told when the guest drops its handle or the instance ends; `drop` must not raise.
    types: WIT record name → class that guest records of that name are lifted to; called with the fields as keyword arguments.
    """

    name: str
    functions: Mapping[str, HostFunction]
    resources: Mapping[str, type] = field(default_factory=dict)
    types: Mapping[str, type] = field(default_factory=dict)


def suspends(function: F) -> F:
    """Marks a host function that may return an awaitable: the guest's fiber then waits, everything else goes on.

    It may also return a plain value, which costs no task. Coroutine functions need no mark. Returning an `asyncio.Future` is
    cheaper than being a coroutine function. The awaitable belongs to the call: it is cancelled when the guest is killed, so what
    others wait for too must be shielded.
    """
    function.pie_suspends = True  # type: ignore[attr-defined]
    return function


class GuestFault(Exception):
    """Raised by a host function to return the error arm of its result. `payload` is the error value."""

    def __init__(self, payload: Any = None) -> None:
        super().__init__(payload)
        self.payload = payload


class GuestExit(Exception):
    """Raised by a host function to end the guest here and now. Whoever called the guest gets it, with its code (0: success)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest ended itself with exit code {code}")
        self.code = code


class GuestTrap(Exception):
    """Raised by a host function on a misuse that its WIT type has no error for. The guest is trapped with this message; it is no
    error of the host, so nothing is logged."""


@dataclass(frozen=True, slots=True)
class Ok:
    value: Any = None


@dataclass(frozen=True, slots=True)
class Err:
    value: Any = None


@dataclass(frozen=True, slots=True)
class Some:
    """The outer layer of a nested option that is present."""

    value: Any
