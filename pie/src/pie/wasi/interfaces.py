"""All of WASI, as the sandbox wants it."""

from pie.sandbox.interface import Interface
from pie.wasi.cli import CLI
from pie.wasi.clocks import MONOTONIC_CLOCK, WALL_CLOCK
from pie.wasi.filesystem import PREOPENS, TYPES
from pie.wasi.poll import POLL
from pie.wasi.random import INSECURE, INSECURE_SEED, RANDOM
from pie.wasi.sockets import SOCKETS
from pie.wasi.streams import ERROR, STREAMS


def wasi_interfaces() -> list[Interface]:
    """For instances whose state object has an attribute `wasi` (see `pie.wasi.state`)."""
    return [
        *(POLL, ERROR, STREAMS),
        *(MONOTONIC_CLOCK, WALL_CLOCK),
        *(RANDOM, INSECURE, INSECURE_SEED),
        *CLI,
        *(TYPES, PREOPENS),
        *SOCKETS,
    ]
