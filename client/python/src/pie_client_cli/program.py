"""A program on this machine: its bytes, and getting them to the engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pie_client_cli.failure import CommandError
from pie_wire.errors import ManifestError
from pie_wire.manifest import parse

if TYPE_CHECKING:
    from pie_client.client import PieClient


@dataclass(frozen=True, slots=True)
class LocalProgram:
    id: str
    """`name@version`."""
    wasm: bytes
    manifest: str

    async def upload(self, client: "PieClient") -> str:
        """Its id, once the engine has exactly these bytes."""
        if not await self.is_installed(client):
            await client.install_program_bytes(self.wasm, self.manifest, force_overwrite=True)
        return self.id

    async def is_installed(self, client: "PieClient") -> bool:
        """Whether the engine has exactly these bytes."""
        return await client.check_program_bytes(self.id, self.wasm, self.manifest)


def read(path: Path, manifest: Path) -> LocalProgram:
    """Raises `CommandError`."""
    try:
        wasm, text = path.expanduser().read_bytes(), manifest.expanduser().read_text("utf-8")
        return LocalProgram(str(parse(text).id), wasm, text)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read the program: {error}") from error
    except ManifestError as error:
        raise CommandError(f"{manifest}: {error}") from error
