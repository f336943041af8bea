"""The sandbox: WebAssembly components as fibers on the asyncio loop.

One thread runs every guest. A guest is a synchronous program: it calls `run`, `run` calls host functions, and each call looks to it
like an ordinary one. Yet a thousand of them wait for tokens, timers and messages at the same time, because none of them runs on the
thread's own stack.

## A call, step by step

    asyncio                    fiber                      wasmtime                        guest
       │  Instance.call          │                            │                              │
       │────────────────────────▶│  func_call_async           │                              │
       │                         │───────────────────────────▶│ makes a future, runs nothing │
       │                         │  call_future_poll          │                              │
       │                         │───────────────────────────▶│ switches to the guest's stack│
       │                         │                            │─────────────────────────────▶│ execute(pass)
       │                         │           callback(arguments, results, continuation)      │
       │                         │◀──────────────────────────────────────────────────────────│
       │                         │ the host function returns an asyncio future:              │
       │                         │ continuation := "not done" │                              │
       │                         │──────────────────────────────────────────────────────────▶│ (put aside)
       │                         │◀───────────────────────────│ poll returns false           │
       │◀────────────────────────│ add_done_callback          │                              │
       │  other fibers, sockets, timers …                     │                              │
       │  the future is done     │                            │                              │
       │────────────────────────▶│ results := answer; continuation := "done"; poll ─────────▶│ execute returns

wasmtime gives each call a stack of its own and switches to it inside `call_future_poll`. A host function that may suspend
(`interface.suspends`) is linked with a *continuation*: a C function and a word that together say whether the answer is there. Ours
is `strlen` of a flag: the fiber writes the answer where wasmtime will look for it, changes the flag from "" to "\\1", and polls. So
suspending costs one callback on the awaited future, and no task, no thread and no second entry into Python. A host function that
has its answer at once says "done" before it returns, and the poll goes on without a pause. Functions that never suspend are linked
without any of this.

## Who runs, and for how long

The epoch is a counter that a small thread advances every `SANDBOX_TICK_S`. Compiled guest code compares it with a deadline at every
loop head and function entry; past it, the guest's stack is put aside just like in a wait, and the poll returns. Such guests get in
line, and one of them is polled per round of the loop (`turns`). A guest that waited gets a fresh deadline when it goes on. Hence an
endless loop in one guest costs the others at most one slice at a time, and killing a guest at any moment is dropping its future:
wasmtime unwinds the stack that was put aside.

Epochs, not fuel: counting instructions would make pauses reproducible, but slows guests by a tenth to a third, and nothing here
wants it: what a guest may use is bounded by the memory limit, the stack limits, the handle limit and wasmtime's own bound on what
crosses in one call (128 MiB of values); its time is bounded by whoever started it.

## Values

The C API passes values as trees of tagged 32-byte structures. Types are known when a program is linked, so the converters are
generated for them (`lift`, `lower`): a record is one `struct` call, a list of numbers one numpy copy. `bindings` explains why the
memory is sound.

## What ends a guest

| what | what its caller sees |
|---|---|
| it returns | the value |
| it traps (abort, stack overflow, out of bounds), or cannot be instantiated | `GuestError` with its backtrace |
| a host function raises (see `hostcall`) | `GuestError`, or `GuestExit` |
| `Instance.kill`, cancelling the call | `GuestError` or the error given; `CancelledError` |

In each case the objects behind its handles are told (`drop`), its memory is freed with `Instance.close`, and nobody else notices.

## Modules

interface: what host functions look like. sandbox → program → instance → fiber → turns, running: what runs. linker → hostcall →
lift, lower → source, scratch, handles: how calls cross. introspection, wit: types. cache, epochs, faults: what they say. bindings:
wasmtime.
"""
