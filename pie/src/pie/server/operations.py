"""What operators ask of a running server, as the sessions' port `pie.net.operations.Operations` has it."""

import asyncio
import logging
from collections.abc import Callable

from pie.config.config import Config
from pie.engine.engine import Engine
from pie.server.reloading import reload

log = logging.getLogger(__name__)


class ServerOperations:
    def __init__(
        self,
        engine: Engine,
        config: Config,
        *,
        read: Callable[[], Config],
        apply: Callable[[Config], None],
        status: Callable[[], dict[str, object]],
    ) -> None:
        """`read` gives the configuration as it is now, or raises `ConfigError`; `apply` hands what takes effect to everybody."""
        self.config = config
        self._engine = engine
        self._read = read
        self._apply = apply
        self._status = status

    async def drain(self, enabled: bool) -> None:
        self._engine.drain(enabled)
        log.warning("an operator %s", "drains this server" if enabled else "ended draining")

    async def reload(self) -> list[str]:
        """Nothing changes if the configuration is not valid: raises `ConfigError`."""
        result = reload(self.config, await asyncio.to_thread(self._read))
        self.config = result.config
        self._apply(result.config)
        log.warning("configuration read again; now in effect: %s", ", ".join(result.taken) or "nothing new")
        if result.left:
            log.warning("changed, but only in effect after a restart: %s", ", ".join(result.left))
        return result.taken

    def status(self) -> dict[str, object]:
        return self._status()
