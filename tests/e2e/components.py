"""Components written by hand: compiled in a moment, and of any world one likes."""

import wasmtime

RUN = "pie:echo/run@0.1.0"


def echo(*, run: str = RUN, function: str = "run", imports: str = "", pages: int = 1) -> bytes:
    """A program that returns its input. `run` and `function` are what it exports, `imports` what it says it needs."""
    return component(f"""{imports}
      (core module $guest
        (memory (export "memory") {pages})
        (global $top (mut i32) (i32.const 4096))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (global.get $top)
          (global.set $top (i32.add (global.get $top) (i32.and (i32.add (local.get 3) (i32.const 15)) (i32.const -8)))))
        (func (export "run") (param $text i32) (param $size i32) (result i32)
          (i32.store (i32.const 1024) (i32.const 0))
          (i32.store (i32.const 1028) (local.get $text))
          (i32.store (i32.const 1032) (local.get $size))
          (i32.const 1024)))
      (core instance $g (instantiate $guest))
      (func $run (param "input" string) (result (result string (error string)))
        (canon lift (core func $g "run") (memory (core memory $g "memory")) (realloc (core func $g "realloc"))))
      (instance $exports (export "{function}" (func $run)))
      (export "{run}" (instance $exports))""")


def spin() -> bytes:
    """A program that never ends by itself."""
    return component("""
      (core module $guest
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "run") (param i32 i32) (result i32) (loop (br 0)) unreachable))
      (core instance $g (instantiate $guest))
      (func $run (param "input" string) (result (result string (error string)))
        (canon lift (core func $g "run") (memory (core memory $g "memory")) (realloc (core func $g "realloc"))))
      (instance $exports (export "run" (func $run)))
      (export "pie:spin/run@0.1.0" (instance $exports))""")


def run_of_another_type() -> bytes:
    """Its `run` takes nothing and returns a number."""
    return component("""
      (core module $m (func (export "f") (result i32) (i32.const 7)))
      (core instance $i (instantiate $m))
      (func $f (result u32) (canon lift (core func $i "f")))
      (instance $e (export "run" (func $f)))
      (export "pie:odd/run@0.1.0" (instance $e))""")


def component(body: str) -> bytes:
    return bytes(wasmtime.wat2wasm(f"(component {body})"))


def module() -> bytes:
    """What a compiler makes that knows of WebAssembly, but not of components."""
    return bytes(wasmtime.wat2wasm('(module (func (export "run")))'))
