"""Run by test_bindings: a guest that sleeps a millisecond on wasmtime's own WASI 0.2, driven through the C API's async calls."""

import ctypes

import wasmtime
from wasmtime import _bindings as declared

from pie.sandbox import bindings as c

WASM = bytes(
    wasmtime.wat2wasm("""(component
      (import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $pollable (sub resource)))
        (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
      (alias export $poll "pollable" (type $pollable))
      (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (export "pollable" (type $same (eq $pollable)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $same))))))
      (core func $block (canon lower (func $poll "[method]pollable.block")))
      (core func $subscribe (canon lower (func $clock "subscribe-duration")))
      (core module $m
        (import "h" "block" (func $block (param i32)))
        (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
        (func (export "f") (call $block (call $subscribe (i64.const 1000000)))))
      (core instance $h (export "block" (func $block)) (export "subscribe" (func $subscribe)))
      (core instance $i (instantiate $m (with "h" (instance $h))))
      (func (export "f") (canon lift (core func $i "f"))))""")
)


def poll(future: int) -> None:
    while not c.call_future_poll(future):
        pass
    c.call_future_delete(future)


engine = c.engine_new(c.config_new())
component = c.component_new(engine, WASM)
linker = c.linker_new(engine)
declared.wasmtime_component_linker_add_wasip2_async(ctypes.cast(linker, ctypes.POINTER(declared.wasmtime_component_linker_t)))
store = c.store_new(engine, 0, 0)
context = c.store_context(store)
pointer = ctypes.cast(context, ctypes.POINTER(declared.wasmtime_context_t))
declared.wasmtime_context_set_wasi(pointer, declared.wasi_config_new())
instance, error, function = c.Slots(2), c.Slots(1), c.Slots(4)
poll(c.instantiate_async(linker, context, component, instance.address, error.address))
c.instance_get_func(instance.address, context, c.component_export_index(component, 0, "f"), function.address)
print("waiting", flush=True)
poll(c.func_call_async(function.address, context, 0, 0, 0, 0, error.address))
print("done", flush=True)
