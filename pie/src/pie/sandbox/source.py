"""Writes the source of a function line by line, and compiles it. The converters of values are generated this way, once per type."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pie.sandbox.bindings import MEMORY


class Source:
    """The body of one function in the making, and what its names mean."""

    def __init__(self, name: str, parameters: str) -> None:
        self._name = name
        self._lines = [f"def {name}({parameters}):"]
        self._depth = 1
        self._variables = 0
        self._constants: dict[str, Any] = {"memory": MEMORY}

    def line(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1

    def variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"

    def constant(self, value: Any) -> str:
        """A name for `value` inside the function."""
        for name, known in self._constants.items():
            if known is value:
                return name
        name = f"c{len(self._constants)}"
        self._constants[name] = value
        return name

    def structure(self, layout: str) -> struct.Struct:
        """One Struct per layout and function. Explicit padding everywhere, so "<"; every machine that wasmtime runs on agrees."""
        for known in self._constants.values():
            if isinstance(known, struct.Struct) and known.format == "<" + layout:
                return known
        made = struct.Struct("<" + layout)
        self._constants[f"s{len(self._constants)}"] = made
        return made

    def method(self, layout: str, method: str) -> str:
        """The name of a bound method of the Struct with this layout."""
        name = f"{method}_{layout.translate({ord('?'): 'Z'})}"
        self._constants[name] = getattr(self.structure(layout), method)
        return name

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def compile(self) -> Callable[..., Any]:
        exec(compile(self.text(), f"<{self._name}>", "exec"), self._constants)
        made: Callable[..., Any] = self._constants[self._name]
        return made
