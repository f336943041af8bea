"""Where a runtime's supervisor is found. Pure."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pie_deploy.config import Home


@dataclass(frozen=True, slots=True)
class Place:
    """The supervisor of one runtime of one home."""

    home: Home
    runtime_id: str

    @property
    def folder(self) -> Path:
        """Apart from the sockets of containers: a sandbox shows those, and never this."""
        return self.home.run / "supervisors"

    @property
    def name(self) -> str:
        """Short and safe, whatever the id looks like: it becomes part of a socket's path."""
        return hashlib.sha256(self.runtime_id.encode()).hexdigest()[:16]

    @property
    def socket(self) -> Path:
        return self.folder / f"{self.name}.sock"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.folder / f"{self.name}.lock"

    @property
    def log(self) -> Path:
        """What the supervisor itself has to say."""
        return self.home.logs / f"supervisor-{self.name}.log"

    @property
    def group(self) -> str:
        """Name of the control group; apart from that of the same runtime id in another home."""
        return "pie-" + hashlib.sha256(f"{self.home.root}|{self.runtime_id}".encode()).hexdigest()[:16]
