"""Reads what a component imports and exports, straight from its bytes.

Binary format: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md. A component is a preamble and a list
of sections (id, size, content); only those of imports (10) and exports (11) at the top level matter here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bakery.errors import BuildError

_PREAMBLE = b"\0asm\x0d\0\x01\0"
_MODULE_PREAMBLE = b"\0asm\x01\0\0\0"
_IMPORTS, _EXPORTS = 10, 11
_CORE, _VALUE, _TYPE = 0, 2, 3
_TWO_BYTE_KINDS = frozenset({_CORE, _VALUE, _TYPE})
_RUN = re.compile(r"pie:[a-z0-9-]+/run(@[0-9.]+)?")


@dataclass(frozen=True, slots=True)
class Component:
    """Names as in WIT: `pie:inferlet/run@0.1.0`."""

    imports: tuple[str, ...]
    exports: tuple[str, ...]


class _Cursor:
    """Reads a component's bytes from front to back. Raises `IndexError` at their end."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self.at = at

    def byte(self) -> int:
        self.at += 1
        return self._content[self.at - 1]

    def number(self) -> int:
        """An unsigned LEB128 number."""
        value = shift = 0
        while (byte := self.byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def name(self) -> str:
        """An external name: a byte that says of which kind, then its text."""
        self.byte()
        return self.take(self.number()).decode()

    def take(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self._content):
            raise IndexError(self.at)
        return self._content[self.at - size : self.at]

    def skip_description(self) -> None:
        """What an import is of: a kind and, for types and values, how it is bound; then an index."""
        if self.byte() in _TWO_BYTE_KINDS:
            self.byte()
        self.number()

    def skip_exported(self) -> None:
        """What an export is: a kind, an index, and a description if the next byte says so."""
        if self.byte() == _CORE:
            self.byte()
        self.number()
        if self.byte():
            self.skip_description()


def read_component(content: bytes) -> Component:
    """Raises `BuildError` if these are not the bytes of a component."""
    if content.startswith(_MODULE_PREAMBLE):
        raise BuildError("a core WebAssembly module, not a component")
    if not content.startswith(_PREAMBLE):
        raise BuildError("not a WebAssembly component")
    imports: list[str] = []
    exports: list[str] = []
    try:
        for kind, start in _sections(content):
            if kind == _IMPORTS:
                imports += _names(_Cursor(content, start), _Cursor.skip_description)
            elif kind == _EXPORTS:
                exports += _names(_Cursor(content, start), _Cursor.skip_exported)
    except (IndexError, UnicodeDecodeError) as error:
        raise BuildError("a truncated or corrupt component") from error
    return Component(tuple(imports), tuple(exports))


def check_program(content: bytes) -> None:
    """Raises `BuildError` unless the component is a program: exports `run`, and imports only what engines offer."""
    component = read_component(content)
    if not any(_RUN.fullmatch(name) for name in component.exports):
        raise BuildError(f"the component exports no pie:<name>/run, only: {', '.join(component.exports) or 'nothing'}")
    unknown = [name for name in component.imports if not name.startswith(("wasi:", "pie:"))]
    if unknown:
        raise BuildError(f"the component imports what no engine offers: {', '.join(unknown)}")


def _sections(content: bytes) -> Iterator[tuple[int, int]]:
    """Kind of each section and where its content begins."""
    cursor = _Cursor(content, len(_PREAMBLE))
    while cursor.at < len(content):
        kind, size = cursor.byte(), cursor.number()
        start = cursor.at
        cursor.at += size
        if cursor.at > len(content):
            raise IndexError(cursor.at)
        yield kind, start


def _names(cursor: _Cursor, skip: Callable[[_Cursor], None]) -> list[str]:
    names = []
    for _ in range(cursor.number()):
        names.append(cursor.name())
        skip(cursor)
    return names
