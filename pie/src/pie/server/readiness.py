"""Whether the server serves yet, or still.

loading ──▶ ready ──▶ stopping          draining is the engine's own: it serves, but begins nothing new
   └───────────────────▲
"""

import asyncio
from typing import Literal

Phase = Literal["loading", "ready", "stopping"]

NEXT: dict[Phase, frozenset[Phase]] = {
    "loading": frozenset({"ready", "stopping"}),
    "ready": frozenset({"stopping"}),
    "stopping": frozenset({"stopping"}),
}


class Readiness:
    def __init__(self) -> None:
        self._phase: Phase = "loading"
        self._loaded = asyncio.Event()

    @property
    def phase(self) -> Phase:
        return self._phase

    def enter(self, phase: Phase) -> None:
        assert phase in NEXT[self._phase], f"{phase} after {self._phase}"
        self._phase = phase
        self._loaded.set()

    async def loaded(self) -> None:
        """Wait while the models are loading."""
        await self._loaded.wait()
