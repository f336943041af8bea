"""What we know about wasmtime's C API, each fact proven, because the wheel's bindings are private and pinned by version only."""

import ctypes
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from wasmtime import _bindings as declared
from wasmtime import _ffi as kinds

from pie.errors import GuestError
from pie.sandbox import bindings as c
from pie.sandbox.interface import Ok, suspends


def test_the_installed_wasmtime_is_the_one_we_know():
    assert importlib.metadata.version("wasmtime") == c.WASMTIME_VERSION


def test_values_are_laid_out_as_the_wheel_says():
    val, entry = declared.wasmtime_component_val, declared.wasmtime_component_valrecord_entry
    assert (ctypes.sizeof(val), val.of.offset, ctypes.sizeof(entry), entry.val.offset) == (
        c.VAL_SIZE,
        c.PAYLOAD,
        c.ENTRY_SIZE,
        c.NAME_SIZE,
    )
    variant, result = declared.wasmtime_component_valvariant, declared.wasmtime_component_valresult
    assert (variant.discriminant.offset, variant.val.offset, result.is_ok.offset, result.val.offset) == (0, 16, 0, 8)
    assert ctypes.sizeof(declared.wasmtime_async_continuation_t) == 24


def test_kinds_have_the_numbers_that_the_wheel_says():
    names = [
        "BOOL",
        "S8",
        "U8",
        "S16",
        "U16",
        "S32",
        "U32",
        "S64",
        "U64",
        "F32",
        "F64",
        "CHAR",
        "STRING",
        "LIST",
        "RECORD",
        "TUPLE",
    ]
    for name in [*names, "VARIANT", "ENUM", "OPTION", "RESULT", "FLAGS", "RESOURCE"]:
        assert getattr(c, f"KIND_{name}") == getattr(kinds, f"WASMTIME_COMPONENT_{name}").value
    for name in [*names, "VARIANT", "ENUM", "OPTION", "RESULT", "FLAGS", "OWN", "BORROW"]:
        assert getattr(c, f"TYPE_{name}") == getattr(kinds, f"WASMTIME_COMPONENT_VALTYPE_{name}").value


def test_memory_is_the_process_s_own():
    data = np.arange(4, dtype=np.uint64)
    address = data.__array_interface__["data"][0]
    assert c.read_words(c.MEMORY, address + 8) == (1, 2)
    c.write_word(c.MEMORY, address, 7)
    assert data[0] == 7


def test_bytes_are_found_where_cpython_keeps_them():
    for data in (b"", b"x", b"some text" * 1000):
        assert bytes(c.MEMORY[c.address_of(data) : c.address_of(data) + len(data) + 1]) == data + b"\0"


def test_a_continuation_is_done_when_its_flag_is_no_empty_string():
    is_done = ctypes.CFUNCTYPE(ctypes.c_size_t, c.WORD)(c.IS_DONE)
    flag = c.Slots(1)
    assert (is_done(flag.address), is_done(c.DONE)) == (0, 1)
    flag[0] = 1
    assert is_done(flag.address) == 1


def test_errors_are_texts():
    assert c.take_error(c.error_new("äh".encode())) == "äh"
    with pytest.raises(c.WasmtimeError, match="no good"):
        c.check(c.error_new(b"no good"))


async def test_an_exception_in_a_callback_stays_there(load, guest):
    @suspends
    def note(_):
        raise BaseExceptionGroup("many", [KeyboardInterrupt()])

    instance = await (await load(guest("(call $note)", functions={"note": ("", "")}), {"note": note})).start(None)
    with pytest.raises(BaseExceptionGroup):
        await instance.run("")


@pytest.mark.parametrize("how", ["sync", "suspending"])
async def test_a_borrowed_handle_is_released_in_the_call(load, guest, how):
    class Thing:
        pass

    async def look(_, thing):
        seen.append(thing)

    seen, made = [], Thing()
    host = {"look": look if how == "suspending" else lambda _, thing: seen.append(thing), "make": lambda _: made}
    functions = {"make": ("(result (own $thing))", "(result i32)"), "look": ('(param "it" (borrow $thing))', "(param i32)")}
    wasm = guest(
        "(local.set $i (call $make)) (call $look (local.get $i)) (call $look (local.get $i))",
        functions=functions,
        declarations='(export "thing" (type $thing (sub resource)))',
    )
    instance = await (await load(wasm, host, resources={"thing": Thing})).start(None)
    assert await instance.run("") == Ok("")
    assert seen == [made, made]


async def test_wasmtime_bounds_what_a_guest_hands_over_in_one_call(load, guest):
    """Each byte of a list<u8> takes 64 bytes on its way, so without a bound a guest could take the host's memory."""
    wasm = guest(
        "(call $put (i32.const 0) (i32.const 16777216))", functions={"put": ('(param "v" (list u8))', "(param i32 i32)")}, pages=300
    )
    instance = await (await load(wasm, {"put": lambda _, v: None})).start(None)
    with pytest.raises(GuestError, match="too much data"):
        await instance.run("")


def test_wasmtime_s_own_wasi_aborts_the_process_when_a_guest_waits():
    """Why there is a `pie.wasi`."""
    script = Path(__file__).with_name("wasmtime_wasi.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert "waiting" in done.stdout
    assert "done" not in done.stdout
    assert "no reactor running" in done.stderr
