"""What a launch names: `name`, `name@latest` or `name@1.2.3`; programs of a registry may be `user/name`."""

from dataclasses import dataclass
from typing import Self

from pie.errors import ProgramNotFoundError
from pie_wire.manifest import is_scoped_name, is_version

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    version: str | None
    """None: the newest."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ProgramNotFoundError`: nothing else can be called that."""
        name, at, version = text.partition("@")
        if not is_scoped_name(name) or (at and version != LATEST and not is_version(version)):
            shown = text if len(text) <= 200 else f"{text[:200]}…"
            raise ProgramNotFoundError(f"Invalid program identifier '{shown}': expected 'name@major.minor.patch', or 'name'")
        return cls(name, version if at and version != LATEST else None)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}" if self.version else self.name
