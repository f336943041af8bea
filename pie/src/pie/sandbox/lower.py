"""Host → guest: functions that turn Python objects into wasmtime's values, one generated per type.

A scalar is written where it is wanted. Everything else is put together in scratch memory, inner parts first, so that each record,
tuple or list takes one `struct` call for all its words; then one C call copies the finished value (see `pie.sandbox.scratch`).
Names of fields and cases are constants that live as long as the function. The generated source of `result<list<string>, error>`'s
first arm is

    def lower(value, target):
        v1 = take(len(value) * 32)
        v2 = v1
        for v3 in value:
            v4 = v3.encode()
            keep(v4)
            pack_into_…(memory, v2, 12, len(v4), address_of(v4))
            v2 += 32
        …

Values of a wrong Python type raise: `struct.error`, `TypeError`, `AttributeError`, … The caller says which function it was.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from pie.sandbox.bindings import (
    ENTRY_SIZE,
    KIND_BOOL,
    KIND_CHAR,
    KIND_ENUM,
    KIND_F32,
    KIND_F64,
    KIND_FLAGS,
    KIND_LIST,
    KIND_OPTION,
    KIND_RECORD,
    KIND_RESOURCE,
    KIND_RESULT,
    KIND_S8,
    KIND_S16,
    KIND_S32,
    KIND_S64,
    KIND_STRING,
    KIND_TUPLE,
    KIND_U8,
    KIND_U16,
    KIND_U32,
    KIND_U64,
    KIND_VARIANT,
    MEMORY,
    NAME_SIZE,
    VAL_SIZE,
    address_of,
    val_clone,
)
from pie.sandbox.interface import Err, Ok, Some
from pie.sandbox.lift import DTYPES, SCALAR_CODES, Dtype, UnsupportedTypeError, attribute, payloads
from pie.sandbox.scratch import Scratch
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

Lower = Callable[[Any, int], None]
"""(value, address of an initialised value without memory of its own): the value is written there, owned by wasmtime."""


class HandleWriter(Protocol):
    """What lowering needs of the handles of the instance that runs."""

    def give(self, value: object) -> int:
        """A new owned handle (a resource_any, ours to delete) for `value`."""
        ...


_KINDS = {
    "bool": KIND_BOOL,
    "s8": KIND_S8,
    "u8": KIND_U8,
    "s16": KIND_S16,
    "u16": KIND_U16,
    "s32": KIND_S32,
    "u32": KIND_U32,
    "s64": KIND_S64,
    "u64": KIND_U64,
    "f32": KIND_F32,
    "f64": KIND_F64,
    "char": KIND_CHAR,
}


def lowerer(wit_type: WitType, scratch: Scratch, handles: HandleWriter) -> Lower:
    """For the result of a function that has no error arm, and for arguments of guest functions."""
    writer = _Lowering(scratch, handles)
    return writer.finished(writer.words(wit_type, "value"))


def arm_lowerer(wit_type: WitType | None, is_ok: bool, scratch: Scratch, handles: HandleWriter) -> Lower:
    """For one arm of a result<…>, whose type is `wit_type`; the value is the arm's payload."""
    writer = _Lowering(scratch, handles)
    address = "0" if wit_type is None else writer.boxed(wit_type, "value")
    return writer.finished(_Words(KIND_RESULT, "?7xQ8x", [str(is_ok), address]))


class _Words:
    """A value as the words to write: its kind, and the layout of its payload with an expression for each word."""

    def __init__(self, kind: int, layout: str, expressions: list[str]) -> None:
        self.layout = "Q" + layout
        self.expressions = [str(kind), *expressions]


def _vector(kind: int, size: str, data: str) -> _Words:
    return _Words(kind, "QQ8x", [size, data])


class _Lowering:
    """Each method writes the lines that one type needs and returns what is to be written for the value."""

    def __init__(self, scratch: Scratch, handles: HandleWriter) -> None:
        self.source = Source("lower", "value, target")
        self._handles = handles
        self._scratch = scratch
        self._take = self.source.constant(scratch.take)
        self._keep = self.source.constant(scratch.keep)
        self._address_of = self.source.constant(address_of)

    def finished(self, words: _Words) -> Lower:
        flat = words.expressions[0] in _FLAT
        if flat:
            self._pack("target", [words])
        else:
            self.source.line(f"v0 = {self._take}({VAL_SIZE})")
            self._pack("v0", [words])
            self.source.line(f"{self.source.constant(val_clone)}(v0, target)")
            self.source.line(f"{self.source.constant(self._scratch.clear)}()")
        return self.source.compile()

    def boxed(self, wit_type: WitType, value: str) -> str:
        """An expression for the address of a value that lies alone."""
        words = self.words(wit_type, value)
        address = self._taken(str(VAL_SIZE))
        self._pack(address, [words])
        return address

    def _pack(self, address: str, values: Sequence[_Words], names: Sequence[str] = ()) -> None:
        """Write values that lie one after the other, each behind its field's name if there are names."""
        layout, expressions = "", []
        for index, words in enumerate(values):
            if names:
                layout += "QQ"
                expressions += self._name(names[index])
            layout += words.layout
            expressions += words.expressions
        self.source.line(f"{self.source.method(layout, 'pack_into')}(memory, {address}, {', '.join(expressions)})")

    def _taken(self, size: str) -> str:
        address = self.source.variable()
        self.source.line(f"{address} = {self._take}({size})")
        return address

    def _name(self, name: str) -> list[str]:
        """Size and address of a constant text."""
        encoded = name.encode()
        self.source.constant(encoded)
        return [str(len(encoded)), str(address_of(encoded))]

    def words(self, wit_type: WitType, value: str) -> _Words:  # noqa: C901 - one case per WIT type
        match wit_type:
            case Scalar(name):
                code, width = SCALAR_CODES[name]
                return _Words(_KINDS[name], f"{code}{24 - width}x", [f"ord({value})" if name == "char" else value])
            case String():
                encoded = self.source.variable()
                self.source.line(f"{encoded} = {value}.encode()")
                self.source.line(f"{self._keep}({encoded})")
                return _vector(KIND_STRING, f"len({encoded})", f"{self._address_of}({encoded})")
            case List(Scalar(name)) if name == "u8" or name in DTYPES:
                size, data = self.source.variable(), self.source.variable()
                self.source.line(f"{size}, {data} = {self.source.constant(_writer(name, self._scratch))}({value})")
                return _vector(KIND_LIST, size, data)
            case List(element):
                return self._list(element, value)
            case Record(fields):
                return self._record(fields, value)
            case Tuple(elements):
                return self._tuple(elements, value)
            case Variant(cases):
                return self._variant(cases, value)
            case Enum(names):
                size, data = self._chosen(names, value)
                return _vector(KIND_ENUM, size, data)
            case Option(inner):
                return self._option(inner, value)
            case Result(ok, err):
                return self._result(ok, err, value)
            case Flags(names):
                return self._flags(names, value)
            case Own():
                handle = self.source.variable()
                self.source.line(f"{handle} = {self.source.constant(self._handles.give)}({value})")
                self.source.line(f"{self.source.constant(self._scratch.keep_handle)}({handle})")
                return _Words(KIND_RESOURCE, "Q16x", [handle])
            case Borrow():
                raise UnsupportedTypeError("a borrowed handle as result")
            case Unsupported(kind):
                raise UnsupportedTypeError(f"value type {kind}")

    def _list(self, element: WitType, value: str) -> _Words:
        items, size, place, item = (self.source.variable() for _ in range(4))
        self.source.line(f"{items} = {value}")
        self.source.line(f"{size} = len({items})")
        data = self._taken(f"{size} * {VAL_SIZE}")
        self.source.line(f"{place} = {data}")
        with self.source.block(f"for {item} in {items}:"):
            self._pack(place, [self.words(element, item)])
            self.source.line(f"{place} += {VAL_SIZE}")
        return _vector(KIND_LIST, size, data)

    def _record(self, fields: Sequence[tuple[str, WitType]], value: str) -> _Words:
        record = self.source.variable()
        self.source.line(f"{record} = {value}")
        values = [self.words(kind, f"{record}.{attribute(name)}") for name, kind in fields]
        data = self._taken(str(len(fields) * ENTRY_SIZE))
        self._pack(data, values, [name for name, _ in fields])
        return _vector(KIND_RECORD, str(len(fields)), data)

    def _tuple(self, elements: Sequence[WitType], value: str) -> _Words:
        names = [self.source.variable() for _ in elements]
        self.source.line(f"{', '.join(names)}, = {value}")
        values = [self.words(kind, name) for kind, name in zip(elements, names, strict=True)]
        data = self._taken(str(len(elements) * VAL_SIZE))
        self._pack(data, values)
        return _vector(KIND_TUPLE, str(len(elements)), data)

    def _variant(self, cases: Sequence[tuple[str, WitType | None]], value: str) -> _Words:
        case, payload = self.source.variable(), self.source.variable()
        self.source.line(f"{case}, {payload} = {value}")
        size, data = self._chosen([name for name, _ in cases], case)
        address = self.source.variable()
        self.source.line(f"{address} = 0")
        head = "if"
        for name, kind in cases:
            if kind is not None:
                with self.source.block(f"{head} {case} == {name!r}:"):
                    self.source.line(f"{address} = {self.boxed(kind, payload)}")
                head = "elif"
        return _Words(KIND_VARIANT, "QQQ", [size, data, address])

    def _chosen(self, names: Sequence[str], value: str) -> tuple[str, str]:
        """Size and address of the name that the value is. `KeyError` if it is none of them."""
        constants: dict[str, tuple[int, int]] = {}
        for name in names:
            size, address = self._name(name)
            constants[name] = int(size), int(address)
        chosen_size, chosen_data = self.source.variable(), self.source.variable()
        self.source.line(f"{chosen_size}, {chosen_data} = {self.source.constant(constants)}[{value}]")
        return chosen_size, chosen_data

    def _option(self, inner: WitType, value: str) -> _Words:
        address, held = self.source.variable(), self.source.variable()
        self.source.line(f"{held} = {value}")
        self.source.line(f"{address} = 0")
        with self.source.block(f"if {held} is not None:"):
            if isinstance(inner, Option):
                self.source.line(f"{held} = {self._unwrapped(held, Some)}")
            self.source.line(f"{address} = {self.boxed(inner, held)}")
        return _Words(KIND_OPTION, "Q16x", [address])

    def _unwrapped(self, held: str, wrapper: type) -> str:
        return f"{self.source.constant(_unwrap)}({held}, {self.source.constant(wrapper)})"

    def _result(self, ok: WitType | None, err: WitType | None, value: str) -> _Words:
        is_ok, held, address = (self.source.variable() for _ in range(3))
        self.source.line(f"{held} = {value}")
        self.source.line(f"{address} = 0")
        self.source.line(f"{is_ok} = type({held}) is {self.source.constant(Ok)}")
        with self.source.block(f"if {is_ok}:"):
            self.source.line("pass" if ok is None else f"{held} = {held}.value")
            if ok is not None:
                self.source.line(f"{address} = {self.boxed(ok, held)}")
        with self.source.block("else:"):
            self.source.line(f"{held} = {self._unwrapped(held, Err)}")
            if err is not None:
                self.source.line(f"{address} = {self.boxed(err, held)}")
        return _Words(KIND_RESULT, "?7xQ8x", [is_ok, address])

    def _flags(self, names: Sequence[str], value: str) -> _Words:
        chosen, size, place, name = (self.source.variable() for _ in range(4))
        self.source.line(f"{chosen} = {value}")
        self.source.line(f"{size} = len({chosen})")
        data = self._taken(f"{size} * {NAME_SIZE}")
        self.source.line(f"{place} = {data}")
        with self.source.block(f"for {name} in {chosen}:"):
            name_size, name_data = self._chosen(names, name)
            self.source.line(f"{self.source.method('QQ', 'pack_into')}(memory, {place}, {name_size}, {name_data})")
            self.source.line(f"{place} += {NAME_SIZE}")
        return _vector(KIND_FLAGS, size, data)


_FLAT = {str(kind) for kind in _KINDS.values()}


def _unwrap(value: Any, wrapper: type[Some] | type[Err]) -> Any:
    if type(value) is not wrapper:
        raise TypeError(f"{wrapper.__name__}(…) is wanted, not {type(value).__name__}")
    return value.value


def _writer(name: str, scratch: Scratch) -> Callable[[Any], tuple[int, int]]:
    """A function from a sequence of numbers to (size, address) of a list of values in scratch memory."""
    dtype: Dtype = DTYPES.get(name, _BYTE)
    kind = _KINDS[name]

    def write(values: Any) -> tuple[int, int]:
        array = np.frombuffer(values, _BYTE) if isinstance(values, _BUFFERS) else np.asarray(values)
        if array.dtype != dtype:
            array = _converted(array, dtype)
        size = len(array)
        if not size:
            return 0, 0
        data = scratch.take(size * VAL_SIZE)
        np.frombuffer(MEMORY, _BYTE, size * VAL_SIZE, data)[::VAL_SIZE] = kind
        payloads(dtype, size, data)[:] = array
        return size, data

    return write


def _converted(array: np.ndarray[Any, Any], dtype: Dtype) -> np.ndarray[Any, Any]:
    """Raises `OverflowError` where an integer would change."""
    converted = array.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(converted, array):
        raise OverflowError(f"numbers do not fit {dtype.name}")
    return converted


_BYTE: Dtype = np.dtype(np.uint8)
_BUFFERS = (bytes, bytearray, memoryview)
