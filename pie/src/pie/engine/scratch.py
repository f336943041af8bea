"""The `/scratch` folder of a process: made before it starts, gone when it has ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pie.errors import GuestError
from pie.host.guest import Guest
from pie.wasi.scratch import Scratch


@asynccontextmanager
async def scratch_of(guest: Guest, parent: Path | None) -> AsyncIterator[None]:
    """Gives the guest a folder of its own below `parent`; none if `parent` is None. Raises `GuestError` if that fails."""
    if parent is None:
        yield
        return
    try:
        scratch = Scratch(parent / guest.process.id)
    except OSError as error:
        raise GuestError(f"the process's /scratch cannot be made: {error}") from error
    guest.wasi.scratch = scratch
    try:
        yield
    finally:
        await asyncio.to_thread(scratch.remove)
