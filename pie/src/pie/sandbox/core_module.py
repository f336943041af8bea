"""Reads the type of a core module, what it imports and exports, straight from its bytes.

Binary formats: https://webassembly.github.io/spec/core/binary for modules and, for what is written here,
https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md. Only what today's toolchains make for components is
understood; whoever asks has to be able to do without an answer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pie.limits import SANDBOX_MODULE_TYPE_BYTES_MAX, SANDBOX_SECTIONS_MAX

TYPES, IMPORTS, FUNCTIONS, TABLES, MEMORIES, GLOBALS, EXPORTS, CODE = 1, 2, 3, 4, 5, 6, 7, 10
_DESCRIBING = frozenset({TYPES, IMPORTS, FUNCTIONS, TABLES, MEMORIES, GLOBALS, EXPORTS})
_NUMBERS, _REFERENCES = frozenset({0x7B, 0x7C, 0x7D, 0x7E, 0x7F}), frozenset({0x6F, 0x70})
_FUNCTION_TYPE, _MODULE_TYPE = 0x60, 0x50
_DECLARES_IMPORT, _DECLARES_TYPE, _DECLARES_EXPORT = b"\0", b"\1", b"\3"
PREAMBLE_BYTES = 8
_END = 0x0B
_OPERANDS = {0x41: 1, 0x42: 1, 0x23: 1, 0xD2: 1, 0xD0: 1, 0x6A: 0, 0x6B: 0, 0x6C: 0, 0x7C: 0, 0x7D: 0, 0x7E: 0}
"""Numbers that follow an instruction of a constant expression: constants, globals, functions, null; sums and products."""
_WIDTHS = {0x43: 4, 0x44: 8}
"""Bytes that follow: floating-point constants."""


class UnreadableError(Exception):
    """Not the bytes of a module or component, or more than is understood here."""


class Cursor:
    """Reads bytes from front to back. Raises `UnreadableError` at their end."""

    def __init__(self, content: bytes | memoryview, at: int, end: int) -> None:
        self.content = content
        self.at = at
        self.end = end

    def byte(self) -> int:
        if self.at >= self.end:
            raise UnreadableError("the bytes end too early")
        self.at += 1
        return self.content[self.at - 1]

    def number(self) -> int:
        """A LEB128 number of at most 35 bits, taken as unsigned."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise UnreadableError("a number of too many bytes")

    def skip(self, size: int) -> None:
        self.at += size
        if self.at > self.end:
            raise UnreadableError("the bytes end too early")

    def since(self, start: int) -> bytes:
        return bytes(self.content[start : self.at])

    def name(self) -> bytes:
        """With its length in front."""
        start = self.at
        self.skip(self.number())
        return self.since(start)

    def one_of(self, known: frozenset[int]) -> None:
        found = self.byte()
        if found not in known:
            raise UnreadableError(f"unknown: {found:#x}")


def number(value: int) -> bytes:
    """As unsigned LEB128."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def sections(content: bytes | memoryview) -> Iterator[tuple[int, Cursor]]:
    """Kind and content of each section of a module or a component, in order; the preamble is not looked at."""
    cursor = Cursor(content, PREAMBLE_BYTES, len(content))
    for _ in range(SANDBOX_SECTIONS_MAX):
        if cursor.at == cursor.end:
            return
        kind, size = cursor.byte(), cursor.number()
        start = cursor.at
        cursor.skip(size)
        yield kind, Cursor(content, start, cursor.at)
    raise UnreadableError("too many sections")


@dataclass(slots=True)
class _Module:
    """Encoded types of what a module has, by index: that is how its exports name them."""

    types: list[bytes] = field(default_factory=list)
    imports: list[bytes] = field(default_factory=list)
    kinds: tuple[list[bytes], list[bytes], list[bytes], list[bytes]] = field(default_factory=lambda: ([], [], [], []))
    """Functions, tables, memories, globals."""
    exports: list[bytes] = field(default_factory=list)


def module_type(module: bytes | memoryview) -> bytes:
    """The `core:moduletype` that this module has, encoded. Raises `UnreadableError`."""
    found = _Module()
    size = 0
    for kind, cursor in sections(module):
        if kind in _DESCRIBING:
            size += cursor.end - cursor.at
            if size > SANDBOX_MODULE_TYPE_BYTES_MAX:
                raise UnreadableError("too large a type")
            read = _READERS[kind]
            for _ in range(cursor.number()):
                read(found, cursor)
    declared = [_DECLARES_TYPE + one for one in found.types]
    declared += [_DECLARES_IMPORT + one for one in found.imports]
    declared += [_DECLARES_EXPORT + one for one in found.exports]
    return bytes([_MODULE_TYPE]) + number(len(declared)) + b"".join(declared)


def _type(found: _Module, cursor: Cursor) -> None:
    start = cursor.at
    cursor.one_of(frozenset({_FUNCTION_TYPE}))
    for _ in ("parameters", "results"):
        for _ in range(cursor.number()):
            cursor.one_of(_NUMBERS | _REFERENCES)
    found.types.append(cursor.since(start))


def _import(found: _Module, cursor: Cursor) -> None:
    start = cursor.at
    cursor.name()
    cursor.name()
    kind = cursor.byte()
    found.kinds[_known(kind)].append(_DESCRIPTIONS[kind](cursor))
    found.imports.append(cursor.since(start))


def _export(found: _Module, cursor: Cursor) -> None:
    name, kind, index = cursor.name(), cursor.byte(), cursor.number()
    described = found.kinds[_known(kind)]
    if index >= len(described):
        raise UnreadableError("exports what it does not have")
    found.exports.append(name + bytes([kind]) + described[index])


def _global(found: _Module, cursor: Cursor) -> None:
    found.kinds[3].append(_global_type(cursor))
    while (instruction := cursor.byte()) != _END:
        if instruction in _WIDTHS:
            cursor.skip(_WIDTHS[instruction])
        elif instruction in _OPERANDS:
            for _ in range(_OPERANDS[instruction]):
                _skip_number(cursor)
        else:
            raise UnreadableError(f"unknown: {instruction:#x}")


def _known(kind: int) -> int:
    if kind >= len(_DESCRIPTIONS):
        raise UnreadableError(f"unknown: {kind:#x}")
    return kind


def _skip_number(cursor: Cursor) -> None:
    while cursor.byte() > 0x7F:
        pass


def _type_index(cursor: Cursor) -> bytes:
    return number(cursor.number())


def _table_type(cursor: Cursor) -> bytes:
    start = cursor.at
    cursor.one_of(_REFERENCES)
    _limits(cursor)
    return cursor.since(start)


def _memory_type(cursor: Cursor) -> bytes:
    start = cursor.at
    _limits(cursor)
    return cursor.since(start)


def _global_type(cursor: Cursor) -> bytes:
    start = cursor.at
    cursor.one_of(_NUMBERS | _REFERENCES)
    cursor.byte()
    return cursor.since(start)


def _limits(cursor: Cursor) -> None:
    has_maximum = cursor.byte()
    if has_maximum > 1:
        raise UnreadableError("a memory or table of a later kind")
    for _ in range(1 + has_maximum):
        cursor.number()


_DESCRIPTIONS: tuple[Callable[[Cursor], bytes], ...] = (_type_index, _table_type, _memory_type, _global_type)
_READERS: dict[int, Callable[[_Module, Cursor], None]] = {
    TYPES: _type,
    IMPORTS: _import,
    FUNCTIONS: lambda found, cursor: found.kinds[0].append(_type_index(cursor)),
    TABLES: lambda found, cursor: found.kinds[1].append(_table_type(cursor)),
    MEMORIES: lambda found, cursor: found.kinds[2].append(_memory_type(cursor)),
    GLOBALS: _global,
    EXPORTS: _export,
}
