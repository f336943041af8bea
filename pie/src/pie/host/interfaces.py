"""Everything that a guest may import: `wit/` and WASI."""

from pie.host import chat, context, forward, generate, mcp, model, runtime, session
from pie.sandbox.interface import Interface
from pie.wasi.interfaces import wasi_interfaces

TYPES = Interface(name="pie:inferlet/types@0.1.0", functions={})
"""Holds type definitions only; a component imports it by name all the same."""


def interfaces() -> list[Interface]:
    modules = (model, chat, context, forward, generate, session, mcp, runtime)
    return [*wasi_interfaces(), TYPES, *(module.INTERFACE for module in modules)]
