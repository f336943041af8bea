"""A program that is ready to be launched."""

from dataclasses import dataclass

from pie.sandbox.program import Program
from pie_wire.manifest import Manifest


@dataclass(frozen=True, slots=True)
class InstalledProgram:
    manifest: Manifest
    component: Program
    """Compiled and linked; every launch is a fresh instance of it."""
    name: str = ""
    """What it was found by, if that is not its manifest's name: `user/name`."""

    @property
    def id(self) -> str:
        package = self.manifest.package
        return f"{self.name or package.name}@{package.version}"
