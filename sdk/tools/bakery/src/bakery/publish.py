"""Publishing a program: what is sent to a registry."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bakery.component import check_program
from bakery.errors import ProjectError
from bakery.limits import COPY_BYTES, README_CHARACTERS_MAX
from bakery.registry_client import Published, RegistryClient
from pie_wire.errors import ManifestError
from pie_wire.manifest import Manifest, parse

Sent = Callable[[int], None]
"""Told how many bytes have been sent."""


@dataclass(frozen=True, slots=True)
class Publication:
    """name: as in the registry: the manifest's, or `user/` before it. readme: text, empty if there is none."""

    name: str
    wasm: bytes
    manifest: Manifest
    manifest_text: str
    readme: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """Of step 1."""
        return {
            "name": self.name,
            "version": self.manifest.package.version,
            "checksum": hashlib.sha256(self.wasm).hexdigest(),
            "size_bytes": len(self.wasm),
            "description": self.manifest.package.description,
        }

    @property
    def details(self) -> dict[str, Any]:
        """What step 3 adds. Registries of Pie 0.4 read the single fields, ours the manifest."""
        package = self.manifest.package
        return {
            "manifest": self.manifest_text,
            "readme": self.readme,
            "runtime": self.manifest.runtime,
            "parameters": msgspec.to_builtins(self.manifest.parameters),
            "dependencies": self.manifest.dependencies,
            "authors": package.authors,
            "keywords": package.keywords,
            "repository": package.repository,
        }


def publication(wasm: bytes, manifest_path: Path, scope: str = "") -> Publication:
    """A component with its `Pie.toml`. Raises `ProjectError`, and `BuildError` if the bytes are no program."""
    check_program(wasm)
    try:
        text = manifest_path.read_text(encoding="utf-8")
        manifest = parse(text)
    except ManifestError as error:
        raise ProjectError(f"{manifest_path}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{manifest_path}: cannot be read as UTF-8 text") from error
    name = f"{scope}/{manifest.package.name}" if scope else manifest.package.name
    return Publication(name, wasm, manifest, text, _readme(manifest, manifest_path.parent))


def publish(client: RegistryClient, publication: Publication, sent: Sent | None = None) -> Published:
    """The three steps. Raises `RegistryError`; whatever happens on the way, nobody sees half a version."""
    fields = publication.fields
    address = client.announce(fields)
    client.upload(address, _pieces(publication.wasm, sent or _ignore), len(publication.wasm))
    return client.commit({**fields, **publication.details})


def _readme(manifest: Manifest, folder: Path) -> str:
    """The file that the manifest names, or README.md beside it; a manifest may also carry the text itself."""
    said = manifest.package.readme
    if "\n" in said:
        return said
    path = folder / (said or "README.md")
    if path.resolve().parent != folder.resolve() or not path.is_file():
        return said
    return path.read_bytes()[: README_CHARACTERS_MAX * 4].decode("utf-8", "replace")[:README_CHARACTERS_MAX]


def _pieces(content: bytes, sent: Sent) -> Iterator[bytes]:
    for start in range(0, len(content), COPY_BYTES):
        piece = content[start : start + COPY_BYTES]
        yield piece
        sent(len(piece))


def _ignore(_: int) -> None:
    """Tells nobody."""
