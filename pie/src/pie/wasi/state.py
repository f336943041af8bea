"""What WASI needs to know of one process. The state object of an instance carries it as its attribute `wasi`."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pie.clock import Clock, SystemClock
from pie.wasi.scratch import Scratch
from pie.wasi.streams import InputStream, OutputStream


@dataclass(slots=True, kw_only=True)
class WasiState:
    """Defaults are those of a process without input, without files, on the machine's clock and entropy.

    stdout, stderr: usually a `SinkOutput` over a sink. entropy: returns that many random bytes; `random.Random(seed).randbytes`
    makes runs reproducible. scratch: the process's `/scratch`, or None; whoever made it removes it after the instance has ended.
    """

    stdout: OutputStream
    stderr: OutputStream
    stdin: InputStream = field(default_factory=InputStream)
    clock: Clock = field(default_factory=SystemClock)
    entropy: Callable[[int], bytes] = os.urandom
    scratch: Scratch | None = None


class HasWasi(Protocol):
    """The state object of an instance, as far as WASI is concerned."""

    @property
    def wasi(self) -> WasiState: ...
