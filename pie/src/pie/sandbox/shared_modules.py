"""Core modules that many programs have in common, and components without them.

Every program that componentize-py makes carries the same CPython and C library; what differs are its first modules: memory as it
was after the program's imports, and globals. Compiling takes 10 s of a core, all but 0.3 of them for what is the same. So modules
with much code are cut out of a component, which imports them instead, and are compiled once for all: in time, on disk, in memory.

    (component (core module …6 MB…) …)   →   (component (import "pie-module-m5f…" (core module (type 0))) …)

Definitions and imports of modules are counted alike, so everything else in the component stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from blake3 import blake3

from pie.limits import SANDBOX_SHARED_CODE_BYTES_MIN, SANDBOX_SHARED_MODULES_MAX
from pie.sandbox.core_module import CODE, PREAMBLE_BYTES, Cursor, UnreadableError, module_type, number, sections

_CORE_MODULE, _CORE_TYPE, _IMPORT = 1, 3, 10
_ONE = b"\1"
_PLAIN_NAME = b"\0"
_IS_MODULE_OF_TYPE = b"\0\x11"


@dataclass(frozen=True, slots=True)
class SharedModule:
    """A module inside a component, by where it is."""

    name: str
    """By content: under which the component without it imports it."""
    section: int
    start: int
    end: int


def find(wasm: bytes) -> tuple[SharedModule, ...]:
    """The modules of a component that have much code; none if there is anything that is not understood."""
    found: dict[str, SharedModule] = {}
    section = PREAMBLE_BYTES
    try:
        for kind, cursor in sections(wasm):
            if kind == _CORE_TYPE:
                return ()  # ours would change their numbers
            if kind == _CORE_MODULE and len(found) < SANDBOX_SHARED_MODULES_MAX and _has_much_code(wasm, cursor):
                name = f"pie-module-m{blake3(memoryview(wasm)[cursor.at : cursor.end]).hexdigest(16)}"
                found.setdefault(name, SharedModule(name, section, cursor.at, cursor.end))
            section = cursor.end
    except UnreadableError:
        return ()
    return tuple(found.values())


def without(wasm: bytes, modules: Sequence[SharedModule]) -> bytes:
    """The component that imports these modules of it. Raises `UnreadableError` if their types are not understood."""
    parts: list[bytes | memoryview] = []
    content, at = memoryview(wasm), 0
    for index, module in enumerate(modules):
        name = module.name.encode()
        described = _PLAIN_NAME + number(len(name)) + name + _IS_MODULE_OF_TYPE + number(index)
        parts += [content[at : module.section], _section(_CORE_TYPE, module_type(content[module.start : module.end]))]
        parts += [_section(_IMPORT, described)]
        at = module.end
    return b"".join([*parts, content[at:]])


def _has_much_code(wasm: bytes, module: Cursor) -> bool:
    if module.end - module.at < SANDBOX_SHARED_CODE_BYTES_MIN:
        return False
    sizes = {kind: section.end - section.at for kind, section in sections(memoryview(wasm)[module.at : module.end])}
    return sizes.get(CODE, 0) >= SANDBOX_SHARED_CODE_BYTES_MIN


def _section(kind: int, only: bytes) -> bytes:
    return bytes([kind]) + number(len(only) + len(_ONE)) + _ONE + only
