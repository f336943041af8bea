"""WASI 0.2 for guests, on asyncio, in plain Python.

Every resource type is ours, so host functions of the engine hand out real `wasi:io/poll` pollables and a guest's event loop waits
for timers, streams, forward passes and messages in one call. A guest gets clocks, random bytes, its output streams, and a
`/scratch` folder if the engine grants one. It gets no environment variables, no arguments, no other files and no network: sockets
are present, every attempt is refused.

Outgoing HTTP (`wasi:http`) belongs here as well, in modules of its own beside `sockets`; until they exist, a guest that imports it
does not load.

Start reading at `poll` (what everybody shares) and `state` (what WASI needs to know of a process).
"""
