import contextlib

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from pie.limits import SANDBOX_MODULE_TYPE_BYTES_MAX
from pie.sandbox.core_module import UnreadableError, module_type, number, sections

EVERYTHING = """(module
  (type $f (func (param i32 f64) (result i64)))
  (import "a" "f" (func (type $f))) (import "a" "t" (table 1 7 funcref)) (import "a" "m" (memory 2))
  (import "b" "g" (global (mut f32)))
  (func $h (export "h") (param v128 externref) unreachable)
  (table (export "own table") 3 externref)
  (global (export "sum") i32 (i32.add (i32.const -300000) (i32.const 5)))
  (global (export "float") f64 (f64.const 0.5)) (global (export "reference") funcref (ref.func $h))
  (export "again" (func 0)) (export "memory" (memory 0)) (export "imported table" (table 0)) (export "imported" (global 0)))"""


def encoded(wat: str) -> bytes:
    return bytes(wasmtime.wat2wasm(wat))


def test_a_type_is_what_the_encoder_of_components_writes_for_it() -> None:
    """The same, declared by hand in a component."""
    declared = encoded("""(component (core type (module
      (type (func (param i32 f64) (result i64))) (type (func (param v128 externref)))
      (import "a" "f" (func (type 0))) (import "a" "t" (table 1 7 funcref)) (import "a" "m" (memory 2))
      (import "b" "g" (global (mut f32)))
      (export "h" (func (type 1))) (export "own table" (table 3 externref)) (export "sum" (global i32))
      (export "float" (global f64)) (export "reference" (global funcref))
      (export "again" (func (type 0))) (export "memory" (memory 2)) (export "imported table" (table 1 7 funcref))
      (export "imported" (global (mut f32))))))""")
    assert module_type(encoded(EVERYTHING)) in declared


@pytest.mark.parametrize(
    "what",
    [
        '(memory (export "m") i64 1)',
        '(memory (export "m") 1 2 shared)',
        '(tag (export "t"))',
        "(rec (type (func)) (type (func)))",
        "(type (struct))",
        "(global i64 (i64.extend_i32_s (i32.const 1)))",
    ],
)
def test_what_is_of_a_later_kind_is_not_guessed(what: str) -> None:
    try:
        module = encoded(f"(module {what})")
    except wasmtime.WasmtimeError:
        return  # so no module has it either
    with pytest.raises(UnreadableError):
        module_type(module)


def test_a_type_that_takes_long_to_read_is_not_read() -> None:
    exports = "".join(f'(export "{index:01000}" (func 0))' for index in range(SANDBOX_MODULE_TYPE_BYTES_MAX // 1000 + 1))
    with pytest.raises(UnreadableError, match="too large"):
        module_type(encoded(f"(module (func) {exports})"))


def test_sections_without_end_are_not_followed() -> None:
    with pytest.raises(UnreadableError, match="too many"):
        list(sections(bytes(8) + bytes(2) * 100_000))


@given(value=st.integers(0, 2**32 - 1))
def test_numbers_are_read_as_they_are_written(value: int) -> None:
    content = bytes(8) + b"\0" + number(5) + number(value).ljust(5, b"\0")
    [(_, cursor)] = sections(content)
    assert cursor.number() == value


@given(data=st.data())
def test_damaged_modules_are_read_or_refused(data: st.DataObject) -> None:
    module = bytearray(encoded(EVERYTHING))
    for _ in range(data.draw(st.integers(1, 4))):
        module[data.draw(st.integers(8, len(module) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadableError):
        module_type(bytes(module[: data.draw(st.integers(8, len(module)))]))
