"""Memory in which values for wasmtime are put together, before `val_clone` copies them into wasmtime's own.

A bump allocator that is emptied after each value: allocation is an addition. What does not fit the block gets memory of its own,
also until the next `clear`.
"""

import ctypes

from pie.limits import SANDBOX_SCRATCH_BYTES
from pie.sandbox.bindings import resource_any_delete


class Scratch:
    def __init__(self, size: int = SANDBOX_SCRATCH_BYTES) -> None:
        self._block = ctypes.create_string_buffer(size)
        self._base = ctypes.addressof(self._block) + 15 & ~15
        self._end = ctypes.addressof(self._block) + size
        self._top = self._base
        self._kept: list[object] = []
        self._handles: list[int] = []

    def take(self, size: int) -> int:
        """The address of `size` bytes (a multiple of 8) that stay until `clear`. Their content is undefined."""
        address = self._top
        self._top = address + size
        if self._top <= self._end:
            return address
        self._top = address
        block = ctypes.create_string_buffer(size)
        self._kept.append(block)
        return ctypes.addressof(block)

    def keep(self, value: object) -> None:
        """`value` stays alive until `clear`: its memory is pointed to."""
        self._kept.append(value)

    def keep_handle(self, handle: int) -> None:
        """`handle` (a resource_any) is ours to delete on `clear`."""
        self._handles.append(handle)

    def clear(self) -> None:
        self._top = self._base
        if self._kept:
            self._kept.clear()
        if self._handles:
            for handle in self._handles:
                resource_any_delete(handle)
            self._handles.clear()
