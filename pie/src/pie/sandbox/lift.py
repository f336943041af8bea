"""Guest → host: functions that turn wasmtime's values into Python objects, one generated per list of types.

A value is 32 bytes: a kind, which the type tells us anyway, and a payload of up to three words. Everything that lies together (the
arguments of a call, the fields of a record, the elements of a tuple) is read by one `struct` call; lists of numbers are copied by
numpy with a stride; only lists of other things take a loop. The generated source of

    func(index: u32, names: list<string>)

is, with the struct methods named by their layouts,

    def lift(arguments):
        v1, v2, v3 = unpack_from_…(memory, arguments)
        v4 = []
        for v5, v6 in iter_unpack_…(memory[v3:v3 + v2 * 32]):
            v4.append(str(memory[v6:v6 + v5], 'utf-8'))
        return v1, v4
"""

import collections
import keyword
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np

from pie.sandbox.bindings import MEMORY, NAME_SIZE, PAYLOAD, VAL_SIZE
from pie.sandbox.interface import Err, Ok, Some
from pie.sandbox.source import Source
from pie.sandbox.wit import (
    Borrow,
    Enum,
    Flags,
    List,
    Option,
    Own,
    Record,
    Result,
    Scalar,
    String,
    Tuple,
    Unsupported,
    Variant,
    WitType,
)

Dtype = np.dtype[Any]
Classes = Mapping[Record, type]
"""The classes that records are lifted to."""


class HandleReader(Protocol):
    """What lifting needs of the handles of the instance that runs."""

    def take(self, handle: int) -> object:
        """The object of an owned handle, which ends with this."""
        ...

    def borrow(self, handle: int) -> object: ...


class UnsupportedTypeError(Exception):
    """The function uses a type of a later component model."""


SCALAR_CODES = {
    "bool": ("?", 1),
    "s8": ("b", 1),
    "u8": ("B", 1),
    "s16": ("h", 2),
    "u16": ("H", 2),
    "s32": ("i", 4),
    "u32": ("I", 4),
    "s64": ("q", 8),
    "u64": ("Q", 8),
    "f32": ("f", 4),
    "f64": ("d", 8),
    "char": ("I", 4),
}
DTYPES: dict[str, Dtype] = {
    "s8": np.dtype("<i1"),
    "s16": np.dtype("<i2"),
    "u16": np.dtype("<u2"),
    "s32": np.dtype("<i4"),
    "u32": np.dtype("<u4"),
    "s64": np.dtype("<i8"),
    "u64": np.dtype("<u8"),
    "f32": np.dtype("<f4"),
    "f64": np.dtype("<f8"),
}


def attribute(wit_name: str) -> str:
    """`attention-mask` → `attention_mask`; `from` → `from_`, because the word is taken."""
    name = wit_name.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def lifter(types: Sequence[WitType], classes: Classes, handles: HandleReader) -> Callable[[int], tuple[Any, ...]]:
    """A function from the address of consecutive values to a tuple of Python objects that own their memory."""
    writer = _Lifting("lift", classes, handles)
    results = writer.unpacked(types, "arguments", gap=0)
    writer.source.line(f"return ({''.join(result + ', ' for result in results)})")
    return writer.source.compile()


def make_record(fields: Sequence[str]) -> type:
    """The class of records that nobody registered one for."""
    return collections.namedtuple("Record", fields)


class _Lifting:
    """Each method writes the lines that one type needs and returns an expression for the lifted value."""

    def __init__(self, name: str, classes: Classes, handles: HandleReader) -> None:
        self.source = Source(name, "arguments")
        self._classes = classes
        self._handles = handles

    def unpacked(self, types: Sequence[WitType], address: str, *, gap: int) -> list[str]:
        """Values that lie one after the other, each behind `gap` bytes and its kind. No types: no lines."""
        names, layout = self._words(types, gap)
        if names:
            unpack = self.source.method(layout, "unpack_from")
            self.source.line(f"{', '.join(chain.from_iterable(names))}, = {unpack}(memory, {address})")
        return [self._value(kind, words) for kind, words in zip(types, names, strict=True)]

    def _words(self, types: Sequence[WitType], gap: int) -> tuple[list[list[str]], str]:
        """Fresh variables for the words of each type's payload, and the struct layout that fills them."""
        names, layout = [], ""
        for wit_type in types:
            payload, count = _payload(wit_type)
            names.append([self.source.variable() for _ in range(count)])
            layout += f"{gap + 8}x{payload}"
        return names, layout

    def _value(self, wit_type: WitType, words: list[str]) -> str:  # noqa: C901 - one case per WIT type
        match wit_type:
            case Scalar("char"):
                return f"chr({words[0]})"
            case Scalar():
                return words[0]
            case String() | Enum():
                return self._text(*words)
            case List(Scalar("u8")):
                return f"{self.source.constant(bytes_of)}({words[0]}, {words[1]})"
            case List(Scalar(name)) if name in DTYPES:
                return f"{self.source.constant(_ARRAYS[name])}({words[0]}, {words[1]})"
            case List(element):
                return self._list(element, *words)
            case Record():
                return self._record(wit_type, words[1])
            case Tuple(elements):
                return f"({''.join(value + ', ' for value in self.unpacked(elements, words[1], gap=0))})"
            case Variant(cases):
                return self._variant(cases, *words)
            case Option(inner):
                return self._option(inner, words[0])
            case Result(ok, err):
                return self._result(ok, err, *words)
            case Flags():
                return self._flags(*words)
            case Own():
                return f"{self.source.constant(self._handles.take)}({words[0]})"
            case Borrow():
                return f"{self.source.constant(self._handles.borrow)}({words[0]})"
            case Unsupported(kind):
                raise UnsupportedTypeError(f"value type {kind}")

    def _text(self, size: str, data: str) -> str:
        return f"str(memory[{data}:{data} + {size}], 'utf-8')"

    def _list(self, element: WitType, size: str, data: str) -> str:
        items = self.source.variable()
        names, layout = self._words([element], 0)
        self.source.line(f"{items} = []")
        each = self.source.method(layout, "iter_unpack")
        with self.source.block(f"for {', '.join(names[0])}, in {each}(memory[{data}:{data} + {size} * {VAL_SIZE}]):"):
            self.source.line(f"{items}.append({self._value(element, names[0])})")
        return items

    def _record(self, record: Record, data: str) -> str:
        values = self.unpacked([kind for _, kind in record.fields], data, gap=NAME_SIZE)
        fields = [attribute(name) for name, _ in record.fields]
        made = self._classes.get(record) or make_record(fields)
        arguments = ", ".join(f"{name}={value}" for name, value in zip(fields, values, strict=True))
        return f"{self.source.constant(made)}({arguments})"

    def _option(self, inner: WitType, address: str) -> str:
        value = self.source.variable()
        with self.source.block(f"if {address}:"):
            self._assign(value, inner, address, wrap=Some if isinstance(inner, Option) else None)
        with self.source.block("else:"):
            self.source.line(f"{value} = None")
        return value

    def _result(self, ok: WitType | None, err: WitType | None, is_ok: str, address: str) -> str:
        value = self.source.variable()
        with self.source.block(f"if {is_ok}:"):
            self._assign(value, ok, address, wrap=Ok)
        with self.source.block("else:"):
            self._assign(value, err, address, wrap=Err)
        return value

    def _assign(self, variable: str, wit_type: WitType | None, address: str, *, wrap: type | None) -> None:
        """`variable` becomes the value at `address`, wrapped into a class if there is one to wrap it into."""
        value = "None" if wit_type is None else self.unpacked([wit_type], address, gap=0)[0]
        self.source.line(f"{variable} = " + (value if wrap is None else f"{self.source.constant(wrap)}({value})"))

    def _variant(self, cases: Sequence[tuple[str, WitType | None]], size: str, data: str, address: str) -> str:
        name, value = self.source.variable(), self.source.variable()
        self.source.line(f"{name} = {self._text(size, data)}")
        head = "if"
        for case, payload in cases:
            if payload is not None:
                with self.source.block(f"{head} {name} == {case!r}:"):
                    self._assign(value, payload, address, wrap=None)
                head = "elif"
        if head == "if":
            return f"({name}, None)"
        with self.source.block("else:"):
            self.source.line(f"{value} = None")
        return f"({name}, {value})"

    def _flags(self, size: str, data: str) -> str:
        each = self.source.method("QQ", "iter_unpack")
        names = f"str(memory[d:d + s], 'utf-8') for s, d in {each}(memory[{data}:{data} + {size} * {NAME_SIZE}])"
        return f"frozenset([{names}])"


def _payload(wit_type: WitType) -> tuple[str, int]:
    """Struct layout of a payload, 24 bytes, and the number of words that it yields."""
    match wit_type:
        case Scalar(name):
            code, size = SCALAR_CODES[name]
            return f"{code}{24 - size}x", 1
        case Variant():
            return "QQQ", 3
        case Result():
            return "?7xQ8x", 2
        case Option() | Own() | Borrow():
            return "Q16x", 1
        case _:
            return "QQ8x", 2


def bytes_of(size: int, data: int) -> bytes:
    """A list<u8>."""
    return payloads(_BYTE, size, data).tobytes()


def _array_of(dtype: Dtype) -> Callable[[int, int], np.ndarray[Any, Any]]:
    empty = np.empty(0, dtype)

    def array_of(size: int, data: int) -> np.ndarray[Any, Any]:
        return payloads(dtype, size, data).copy() if size else empty

    return array_of


def payloads(dtype: Dtype, size: int, data: int) -> np.ndarray[Any, Any]:
    """The numbers in `size` values at `data`, in place."""
    stride = VAL_SIZE // dtype.itemsize
    return np.frombuffer(MEMORY, dtype, size * stride, data)[PAYLOAD // dtype.itemsize :: stride]


_BYTE: Dtype = np.dtype(np.uint8)
_ARRAYS = {name: _array_of(dtype) for name, dtype in DTYPES.items()}
