"""What an operator may ask of the server, as far as sessions know it. The server implements it."""

from typing import Protocol


class Operations(Protocol):
    async def drain(self, enabled: bool) -> None:
        """Take no new processes, or take them again."""
        ...

    async def reload(self) -> list[str]:
        """Read the configuration again. Returns the keys that changed and took effect. Raises `ConfigError`."""
        ...

    def status(self) -> dict[str, object]:
        """How the server is, as what becomes JSON."""
        ...
