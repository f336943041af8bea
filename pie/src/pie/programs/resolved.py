"""A program at hand: a component's bytes and its manifest."""

from dataclasses import dataclass

from pie_wire.manifest import Manifest, ProgramId


@dataclass(frozen=True, slots=True)
class ResolvedProgram:
    wasm: bytes
    manifest: Manifest

    @property
    def id(self) -> ProgramId:
        return self.manifest.id
