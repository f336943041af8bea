"""The C API of wasmtime, and memory as the C side sees it. The only module that touches the private bindings of the wheel.

Addresses are plain `int`s here. The wheel declares every parameter as a typed pointer, which costs an object per argument and
call; we declare the few functions that we need ourselves, with machine words. `MEMORY` is the process's whole address space as
one buffer, so that `struct` and numpy read and write C structures in place, without an object per field.

All of this is as unsafe as C. What keeps it sound:
- Values that come from wasmtime are read while the callback that carries them runs, never later.
- Values that go to wasmtime are built in memory of ours (`pie.sandbox.scratch`) and handed over by `val_clone`, a deep copy into
  wasmtime's own memory. So wasmtime never frees what we allocated, nor we what it did.
- Callbacks catch everything: an exception that leaves a ctypes callback kills the process.

Functions that only shuffle a few words keep Python's global lock (`PyDLL`); those that may run guest code or compile release it.
"""

import ctypes
import struct
from collections.abc import Callable
from typing import Any, Final

from wasmtime import _bindings as declared

WASMTIME_VERSION: Final = "50.0.1"

WORD: Final = ctypes.c_size_t
MEMORY: Final = memoryview((ctypes.c_char * (1 << 56)).from_address(0)).cast("B")

VAL_SIZE: Final = 32
"""`wasmtime_component_val_t`: a kind byte, padding to 8, then up to 24 bytes of payload."""
PAYLOAD: Final = 8
ENTRY_SIZE: Final = 48
"""`wasmtime_component_valrecord_entry_t`: the field's name as (size, address), then its value."""
NAME_SIZE: Final = 16

(
    KIND_BOOL,
    KIND_S8,
    KIND_U8,
    KIND_S16,
    KIND_U16,
    KIND_S32,
    KIND_U32,
    KIND_S64,
    KIND_U64,
    KIND_F32,
    KIND_F64,
    KIND_CHAR,
    KIND_STRING,
    KIND_LIST,
    KIND_RECORD,
    KIND_TUPLE,
    KIND_VARIANT,
    KIND_ENUM,
    KIND_OPTION,
    KIND_RESULT,
    KIND_FLAGS,
    KIND_RESOURCE,
) = range(22)

(
    TYPE_BOOL,
    TYPE_S8,
    TYPE_S16,
    TYPE_S32,
    TYPE_S64,
    TYPE_U8,
    TYPE_U16,
    TYPE_U32,
    TYPE_U64,
    TYPE_F32,
    TYPE_F64,
    TYPE_CHAR,
    TYPE_STRING,
    TYPE_LIST,
    TYPE_RECORD,
    TYPE_TUPLE,
    TYPE_VARIANT,
    TYPE_ENUM,
    TYPE_OPTION,
    TYPE_RESULT,
    TYPE_FLAGS,
    TYPE_OWN,
    TYPE_BORROW,
) = range(23)

ITEM_INSTANCE: Final = 1
ITEM_FUNCTION: Final = 3
ITEM_RESOURCE: Final = 4
ITEM_TYPE: Final = 6

SYNC_CALLBACK: Final = ctypes.CFUNCTYPE(WORD, *[WORD] * 7)
"""(data, context, type, arguments, argument count, results, result count) → error or 0."""
ASYNC_CALLBACK: Final = ctypes.CFUNCTYPE(None, *[WORD] * 9)
"""(data, context, type, arguments, argument count, results, result count, error out, continuation out)."""
DESTRUCTOR: Final = ctypes.CFUNCTYPE(WORD, WORD, WORD, ctypes.c_uint32)
"""(data, context, representation) → error or 0."""

_path = declared.dll._name
_locked = ctypes.PyDLL(_path)
_released = ctypes.CDLL(_path)


def _function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = library[name]
    function.restype = result
    function.argtypes = arguments
    return function


def _quick(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return _function(_locked, name, result, *arguments)


def _slow(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return _function(_released, name, result, *arguments)


_text, _flag, _i64, _u64, _u32 = ctypes.c_char_p, ctypes.c_bool, ctypes.c_int64, ctypes.c_uint64, ctypes.c_uint32

# Engine and its configuration.
config_new = _quick("wasm_config_new", WORD)
config_epoch_interruption = _quick("wasmtime_config_epoch_interruption_set", None, WORD, _flag)
config_max_wasm_stack = _quick("wasmtime_config_max_wasm_stack_set", None, WORD, WORD)
config_async_stack_size = _quick("wasmtime_config_async_stack_size_set", None, WORD, WORD)
config_component_model_async = _quick("wasmtime_config_wasm_component_model_async_set", None, WORD, _flag)
config_concurrency_support = _quick("wasmtime_config_concurrency_support_set", None, WORD, _flag)
engine_new = _quick("wasm_engine_new_with_config", WORD, WORD)
engine_delete = _quick("wasm_engine_delete", None, WORD)
engine_increment_epoch = _quick("wasmtime_engine_increment_epoch", None, WORD)

# Errors.
error_new = _quick("wasmtime_error_new", WORD, _text)
error_delete = _quick("wasmtime_error_delete", None, WORD)
_error_message = _quick("wasmtime_error_message", None, WORD, WORD)
_byte_vec_delete = _quick("wasm_byte_vec_delete", None, WORD)

# Components.
_component_new = _slow("wasmtime_component_new", WORD, WORD, _text, WORD, WORD)
_component_serialize = _slow("wasmtime_component_serialize", WORD, WORD, WORD)
_component_deserialize_file = _slow("wasmtime_component_deserialize_file", WORD, WORD, _text, WORD)
component_delete = _quick("wasmtime_component_delete", None, WORD)
component_type = _quick("wasmtime_component_type", WORD, WORD)
_component_export_index = _quick("wasmtime_component_get_export_index", WORD, WORD, WORD, _text, WORD)
export_index_delete = _quick("wasmtime_component_export_index_delete", None, WORD)

# Core modules that components import.
_module_new = _slow("wasmtime_module_new", WORD, WORD, _text, WORD, WORD)
_module_serialize = _slow("wasmtime_module_serialize", WORD, WORD, WORD)
_module_deserialize_file = _slow("wasmtime_module_deserialize_file", WORD, WORD, _text, WORD)
module_delete = _quick("wasmtime_module_delete", None, WORD)

# Types: read by pie.sandbox.introspection.
component_type_delete = _quick("wasmtime_component_type_delete", None, WORD)
component_type_import_count = _quick("wasmtime_component_type_import_count", WORD, WORD, WORD)
component_type_import_nth = _quick("wasmtime_component_type_import_nth", _flag, *[WORD] * 6)
component_type_export_count = _quick("wasmtime_component_type_export_count", WORD, WORD, WORD)
component_type_export_nth = _quick("wasmtime_component_type_export_nth", _flag, *[WORD] * 6)
instance_type_export_count = _quick("wasmtime_component_instance_type_export_count", WORD, WORD, WORD)
instance_type_export_nth = _quick("wasmtime_component_instance_type_export_nth", _flag, *[WORD] * 6)
extern_type = _quick("wasmtime_component_extern_type", None, WORD, WORD)
extern_delete = _quick("wasmtime_component_extern_delete", None, WORD)
item_delete = _quick("wasmtime_component_item_delete", None, WORD)
valtype_delete = _quick("wasmtime_component_valtype_delete", None, WORD)
func_type_param_count = _quick("wasmtime_component_func_type_param_count", WORD, WORD)
func_type_param_nth = _quick("wasmtime_component_func_type_param_nth", _flag, *[WORD] * 5)
func_type_result = _quick("wasmtime_component_func_type_result", _flag, WORD, WORD)
list_type_element = _quick("wasmtime_component_list_type_element", None, WORD, WORD)
record_type_field_count = _quick("wasmtime_component_record_type_field_count", WORD, WORD)
record_type_field_nth = _quick("wasmtime_component_record_type_field_nth", _flag, *[WORD] * 5)
tuple_type_count = _quick("wasmtime_component_tuple_type_types_count", WORD, WORD)
tuple_type_nth = _quick("wasmtime_component_tuple_type_types_nth", _flag, *[WORD] * 3)
variant_type_case_count = _quick("wasmtime_component_variant_type_case_count", WORD, WORD)
variant_type_case_nth = _quick("wasmtime_component_variant_type_case_nth", _flag, *[WORD] * 6)
enum_type_count = _quick("wasmtime_component_enum_type_names_count", WORD, WORD)
enum_type_nth = _quick("wasmtime_component_enum_type_names_nth", _flag, *[WORD] * 4)
flags_type_count = _quick("wasmtime_component_flags_type_names_count", WORD, WORD)
flags_type_nth = _quick("wasmtime_component_flags_type_names_nth", _flag, *[WORD] * 4)
option_type_inner = _quick("wasmtime_component_option_type_ty", None, WORD, WORD)
result_type_ok = _quick("wasmtime_component_result_type_ok", _flag, WORD, WORD)
result_type_err = _quick("wasmtime_component_result_type_err", _flag, WORD, WORD)

# Linkers.
linker_new = _quick("wasmtime_component_linker_new", WORD, WORD)
linker_delete = _quick("wasmtime_component_linker_delete", None, WORD)
linker_root = _quick("wasmtime_component_linker_root", WORD, WORD)
_linker_add_instance = _quick("wasmtime_component_linker_instance_add_instance", WORD, WORD, _text, WORD, WORD)
linker_instance_delete = _quick("wasmtime_component_linker_instance_delete", None, WORD)
_linker_add_func = _quick("wasmtime_component_linker_instance_add_func", WORD, WORD, _text, WORD, SYNC_CALLBACK, WORD, WORD)
_linker_add_func_async = _quick(
    "wasmtime_component_linker_instance_add_func_async", WORD, WORD, _text, WORD, ASYNC_CALLBACK, WORD, WORD
)
_linker_add_module = _quick("wasmtime_component_linker_instance_add_module", WORD, WORD, _text, WORD, WORD)
_linker_add_resource = _quick(
    "wasmtime_component_linker_instance_add_resource", WORD, WORD, _text, WORD, WORD, DESTRUCTOR, WORD, WORD
)

# Resources.
resource_type_new_host = _quick("wasmtime_component_resource_type_new_host", WORD, _u32)
resource_type_delete = _quick("wasmtime_component_resource_type_delete", None, WORD)
resource_host_new = _quick("wasmtime_component_resource_host_new", WORD, _flag, _u32, _u32)
resource_host_rep = _quick("wasmtime_component_resource_host_rep", _u32, WORD)
resource_host_delete = _quick("wasmtime_component_resource_host_delete", None, WORD)
resource_host_to_any = _quick("wasmtime_component_resource_host_to_any", WORD, WORD, WORD, WORD)
resource_any_to_host = _quick("wasmtime_component_resource_any_to_host", WORD, WORD, WORD, WORD)
resource_any_delete = _quick("wasmtime_component_resource_any_delete", None, WORD)

# Stores, instances, calls.
store_new = _quick("wasmtime_store_new", WORD, WORD, WORD, WORD)
store_context = _quick("wasmtime_store_context", WORD, WORD)
store_limiter = _quick("wasmtime_store_limiter", None, WORD, *[_i64] * 5)
store_delete = _slow("wasmtime_store_delete", None, WORD)
context_set_epoch_deadline = _quick("wasmtime_context_set_epoch_deadline", None, WORD, _u64)
# Declared with a result by the wheel, implemented without: what would be read is whatever the register held.
context_epoch_deadline_async_yield = _quick("wasmtime_context_epoch_deadline_async_yield_and_update", None, WORD, _u64)
instantiate_async = _slow("wasmtime_component_linker_instantiate_async", WORD, *[WORD] * 5)
instance_get_func = _quick("wasmtime_component_instance_get_func", _flag, *[WORD] * 4)
func_call_async = _slow("wasmtime_component_func_call_async", WORD, *[WORD] * 7)
call_future_poll = _slow("wasmtime_call_future_poll", _flag, WORD)
call_future_delete = _slow("wasmtime_call_future_delete", None, WORD)
val_clone = _quick("wasmtime_component_val_clone", None, WORD, WORD)
val_delete = _quick("wasmtime_component_val_delete", None, WORD)

# A continuation is a C function that says whether the host function is done. `strlen` does: of "" it returns 0 (false), of "\1" it
# returns 1 (true). So waiting and waking need no callback into Python: to wake, the flag's first byte becomes 1.
_libc = ctypes.CDLL(None)
IS_DONE: Final[int] = ctypes.cast(_libc.strlen, ctypes.c_void_p).value or 0
_malloc_trim: Callable[[int], Any] = getattr(_libc, "malloc_trim", lambda _: 0)
"""glibc keeps what compiling used, 200 MB for a Python program, unless asked to give it back."""
_done = ctypes.create_string_buffer(b"\x01")
DONE: Final[int] = ctypes.addressof(_done)

_BYTES_HEADER: Final = bytes.__basicsize__ - 1


def address_of(data: bytes) -> int:
    """Where CPython keeps the content of `data`. Valid as long as `data` is referenced."""
    return id(data) + _BYTES_HEADER


read_words: Final = struct.Struct("QQ").unpack_from
write_word: Final = struct.Struct("Q").pack_into
write_continuation: Final = struct.Struct("QQQ").pack_into


class Slots:
    """A few zeroed words of memory for C to write results to."""

    __slots__ = ("_words", "address")

    def __init__(self, words: int) -> None:
        self._words = (ctypes.c_uint64 * words)()
        self.address: int = ctypes.addressof(self._words)

    def __getitem__(self, index: int) -> int:
        return self._words[index]

    def __setitem__(self, index: int, value: int) -> None:
        self._words[index] = value


def text_at(address: int, size: int) -> str:
    return str(MEMORY[address : address + size], "utf-8")


def take_error(error: int) -> str:
    """The text of an error, which is freed."""
    vector = Slots(2)
    _error_message(error, vector.address)
    text = str(MEMORY[vector[1] : vector[1] + vector[0]], "utf-8", "replace")
    _byte_vec_delete(vector.address)
    error_delete(error)
    return text


class WasmtimeError(Exception):
    """wasmtime refused. The message is its own, of several lines."""


def check(error: int) -> None:
    if error:
        raise WasmtimeError(take_error(error))


def component_new(engine: int, wasm: bytes) -> int:
    """Compile. Takes seconds for large components; other threads run meanwhile. Raises `WasmtimeError`."""
    return _compiled(_component_new, engine, wasm)


def module_new(engine: int, wasm: bytes) -> int:
    """As `component_new`, for a core module."""
    return _compiled(_module_new, engine, wasm)


def _compiled(new: Callable[..., int], engine: int, wasm: bytes) -> int:
    out = Slots(1)
    try:
        check(new(engine, wasm, len(wasm), out.address))
    finally:
        _malloc_trim(0)
    return out[0]


def component_serialize(component: int) -> bytes:
    return _serialized(_component_serialize, component)


def module_serialize(module: int) -> bytes:
    return _serialized(_module_serialize, module)


def _serialized(serialize: Callable[..., int], compiled: int) -> bytes:
    vector = Slots(2)
    check(serialize(compiled, vector.address))
    try:
        return bytes(MEMORY[vector[1] : vector[1] + vector[0]])
    finally:
        _byte_vec_delete(vector.address)


def component_deserialize_file(engine: int, path: bytes) -> int:
    """Map a compiled component into memory. The file must be one that `component_serialize` made: wasmtime trusts its content."""
    return _mapped(_component_deserialize_file, engine, path)


def module_deserialize_file(engine: int, path: bytes) -> int:
    """As `component_deserialize_file`, of `module_serialize`."""
    return _mapped(_module_deserialize_file, engine, path)


def _mapped(deserialize_file: Callable[..., int], engine: int, path: bytes) -> int:
    out = Slots(1)
    check(deserialize_file(engine, path, out.address))
    return out[0]


def component_export_index(component: int, parent: int, name: str) -> int:
    """0 if there is no such export."""
    encoded = name.encode()
    found: int = _component_export_index(component, parent, encoded, len(encoded))
    return found


def linker_add_instance(parent: int, name: str) -> int:
    """A linker instance; the parent must not be used before it is deleted."""
    out, encoded = Slots(1), name.encode()
    check(_linker_add_instance(parent, encoded, len(encoded), out.address))
    return out[0]


def linker_add_func(instance: int, name: str, callback: Any) -> None:
    """`callback` must be kept alive as long as the linker and what was instantiated from it."""
    encoded = name.encode()
    check(_linker_add_func(instance, encoded, len(encoded), callback, 0, 0))


def linker_add_func_async(instance: int, name: str, callback: Any) -> None:
    """As `linker_add_func`, for functions that may suspend the guest."""
    encoded = name.encode()
    check(_linker_add_func_async(instance, encoded, len(encoded), callback, 0, 0))


def linker_add_module(instance: int, name: str, module: int) -> None:
    """The linker keeps a reference of its own to the module."""
    encoded = name.encode()
    check(_linker_add_module(instance, encoded, len(encoded), module))


def linker_add_resource(instance: int, name: str, resource_type: int, destructor: Any) -> None:
    encoded = name.encode()
    check(_linker_add_resource(instance, encoded, len(encoded), resource_type, destructor, 0, 0))
