"""Every type of value crosses unchanged: host → guest → host, for types and values that hypothesis makes up.

The guest calls `get: func() -> tuple<T, u32>`, whose result wasmtime writes to memory, and hands the same memory to
`put: func(value: T, …17 numbers)`, whose arguments are too many for registers. So one guest serves any T.
"""

import asyncio
import json
import math
import struct
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pie.errors import GuestError
from pie.sandbox.interface import Err, Interface, Ok, Some
from pie.sandbox.lift import DTYPES
from pie.sandbox.sandbox import Sandbox
from pie.sandbox.wit import Enum, Flags, List, Option, Record, Result, Scalar, String, Tuple, Variant

WORDS = ["a", "bee", "c-d", "from", "x1", "long-name-of-some-thing"]
RANGES = {
    "u8": (0, 8),
    "u16": (0, 16),
    "u32": (0, 32),
    "u64": (0, 64),
    "s8": (1, 7),
    "s16": (1, 15),
    "s32": (1, 31),
    "s64": (1, 63),
}


def names(min_size=1):
    return st.lists(st.sampled_from(WORDS), min_size=min_size, max_size=4, unique=True).map(tuple)


def named(types):
    return names().flatmap(lambda found: st.tuples(*[st.tuples(st.just(name), types) for name in found]))


scalars = st.sampled_from(["bool", *RANGES, "f32", "f64", "char"]).map(Scalar)
leaves = scalars | st.just(String()) | names().map(Enum) | names().map(Flags)
wit_types = st.recursive(
    leaves,
    lambda inner: (
        inner.map(List)
        | named(inner).map(Record)
        | st.lists(inner, min_size=1, max_size=3).map(tuple).map(Tuple)
        | named(inner | st.none()).map(Variant)
        | inner.map(Option)
        | st.builds(Result, inner | st.none(), inner | st.none())
    ),
    max_leaves=6,
)


def numbers(name):
    signed, bits = RANGES[name]
    return st.integers(-(2**bits) if signed else 0, 2**bits - 1)


def values(wit_type):  # noqa: C901 - one case per WIT type
    match wit_type:
        case Scalar("bool"):
            return st.booleans()
        case Scalar("char"):
            return st.characters(exclude_categories=["Cs"])
        case Scalar("f32" | "f64" as name):
            return st.floats(width=32 if name == "f32" else 64, allow_nan=False)
        case Scalar(name):
            return numbers(name)
        case String():
            return st.text(max_size=20)
        case List(Scalar("u8")):
            return st.binary(max_size=20)
        case List(Scalar(name)) if name in DTYPES:
            return st.lists(values(Scalar(name)), max_size=20).map(lambda found: np.array(found, DTYPES[name]))
        case List(element):
            return st.lists(values(element), max_size=4)
        case Record(fields):
            return st.tuples(*[values(kind) for _, kind in fields]).map(lambda found: record(fields, found))
        case Tuple(elements):
            return st.tuples(*map(values, elements))
        case Variant(cases):
            return st.sampled_from(cases).flatmap(lambda case: st.tuples(st.just(case[0]), optional(case[1])))
        case Enum(found):
            return st.sampled_from(found)
        case Flags(found):
            return st.frozensets(st.sampled_from(found))
        case Option(Option() as inner):
            return st.none() | values(inner).map(Some)
        case Option(inner):
            return st.none() | values(inner)
        case Result(ok, err):
            return optional(ok).map(Ok) | optional(err).map(Err)


def optional(wit_type):
    return st.none() if wit_type is None else values(wit_type)


def record(fields, found):
    made = type("Fields", (), {})()
    for (name, _), value in zip(fields, found, strict=True):
        setattr(made, "from_" if name == "from" else name.replace("-", "_"), value)
    return made


def same(wit_type, given, got):
    match wit_type:
        case List(Scalar(name)) if name in DTYPES:
            return got.dtype == DTYPES[name] and np.array_equal(given, got)
        case List(element):
            return len(given) == len(got) and all(same(element, one, two) for one, two in zip(given, got, strict=True))
        case Record(fields):
            attributes = ["from_" if name == "from" else name.replace("-", "_") for name, _ in fields]
            return all(same(kind, getattr(given, at), getattr(got, at)) for at, (_, kind) in zip(attributes, fields, strict=True))
        case Tuple(elements):
            return type(got) is tuple and all(same(*triple) for triple in zip(elements, given, got, strict=True))
        case Variant(cases):
            return given[0] == got[0] and same(dict(cases)[given[0]], given[1], got[1])
        case Option(Option() as inner) if given is not None:
            return same(inner, given.value, got.value)
        case Option(inner) if given is not None:
            return same(inner, given, got)
        case Result(ok, err):
            return type(given) is type(got) and same(ok if isinstance(given, Ok) else err, given.value, got.value)
        case _:
            return type(given) is type(got) and given == got


class Declarations:
    """WIT types as WAT; compound ones get names, as the component model wants it."""

    def __init__(self):
        self.lines = []
        self._numbers = count()

    def text(self, wit_type):
        match wit_type:
            case Scalar(name):
                return name
            case String():
                return "string"
            case List(element):
                return f"(list {self.text(element)})"
            case Tuple(elements):
                return f"(tuple {' '.join(map(self.text, elements))})"
            case Option(inner):
                return f"(option {self.text(inner)})"
            case Result(ok, err):
                ok_text = "" if ok is None else self.text(ok)
                return f"(result {ok_text} {'' if err is None else f'(error {self.text(err)})'})"
            case Record(fields):
                return self._named("record", "field", fields)
            case Variant(cases):
                return self._named("variant", "case", cases)
            case Enum(found) | Flags(found):
                kind = "enum" if isinstance(wit_type, Enum) else "flags"
                return self._name(f"({kind} {' '.join(map(json.dumps, found))})")

    def _named(self, kind, part, parts):
        texts = [f'({part} "{name}" {"" if inner is None else self.text(inner)})' for name, inner in parts]
        return self._name(f"({kind} {' '.join(texts)})")

    def _name(self, text):
        number = next(self._numbers)
        self.lines.append(f'(type $r{number} {text}) (export "t{number}" (type $t{number} (eq $r{number})))')
        return f"$t{number}"


def echo(guest, wit_type):
    declarations = Declarations()
    text = declarations.text(wit_type)
    numbers = "".join(f'(param "n{index}" u32)' for index in range(17))
    functions = {
        "get": (f"(result (tuple {text} u32))", "(param i32)"),
        "put": (f'(param "value" {text}) {numbers}', "(param i32)"),
    }
    body = "(call $get (i32.const 2048)) (call $put (i32.const 2048))"
    return guest(body, functions=functions, declarations="".join(declarations.lines), pages=10)


async def crossed(wasm, value):
    """What comes back when the guest is given `value`."""
    got = []
    host = Interface("t:t/host@0.1.0", {"get": lambda _: (value, 0), "put": lambda _, found, *numbers: got.append(found)})
    sandbox = Sandbox([host], cache_folder=None)
    try:
        instance = await (await sandbox.load(wasm)).start(None)
        await instance.run("")
        return got[0]
    finally:
        await sandbox.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_of_any_type_comes_back_as_it_was(guest, data):
    wit_type = data.draw(wit_types)
    value = data.draw(values(wit_type))
    got = asyncio.run(crossed(echo(guest, wit_type), value))
    assert same(wit_type, value, got), (value, got)


@pytest.mark.parametrize("value", [b"\0\1\xff" * 50_000, bytearray(b"ab"), memoryview(b"ab"), np.array([1, 2], np.uint8)])
async def test_bytes_may_be_any_buffer_of_any_size(guest, value):
    assert await crossed(echo(guest, List(Scalar("u8"))), value) == bytes(value)


@pytest.mark.parametrize("value", [[1, 2, 3], (1, 2, 3), range(1, 4), np.array([1, 2, 3], np.int64)])
async def test_numbers_may_be_any_sequence(guest, value):
    got = await crossed(echo(guest, List(Scalar("u32"))), value)
    assert got.dtype == np.uint32
    assert got.tolist() == [1, 2, 3]


async def test_special_floats_cross(guest):
    for number in (math.inf, -math.inf, -0.0):
        assert struct.pack("d", await crossed(echo(guest, Scalar("f64")), number)) == struct.pack("d", number)
    assert math.isnan(await crossed(echo(guest, Scalar("f64")), math.nan))


WRONG = [
    (Enum(("a",)), "b"),
    (Variant((("a", None),)), ("b", None)),
    (Flags(("a",)), {"b"}),
    (Record((("a", String()),)), NotImplemented),
    (Tuple((String(), String())), ("one",)),
    (Option(Option(String())), "bare"),
    (Result(String(), None), "bare"),
    (String(), 7),
    (String(), "\ud800"),
    (List(Scalar("u8")), "text"),
    (List(Scalar("u32")), [-1]),
    (List(Scalar("u32")), np.array([-1])),
    (List(Scalar("u32")), [1.5]),
    (Scalar("char"), "ab"),
]


@pytest.mark.parametrize(("wit_type", "value"), WRONG, ids=str)
async def test_a_value_that_does_not_fit_its_type_traps_the_guest(guest, wit_type, value):
    with pytest.raises(GuestError, match=r"t:t/host@0\.1\.0 get failed in the host"):
        await crossed(echo(guest, wit_type), value)
