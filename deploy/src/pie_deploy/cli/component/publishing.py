"""Publishing a folder: nothing happens when its content is there already."""

from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from pie_deploy.cli.client import Client, at
from pie_deploy.cli.component.packing import pack, read_manifest
from pie_deploy.domain.records import ComponentVersion


@dataclass(frozen=True, slots=True)
class Packed:
    """A folder, ready to be sent."""

    folder: Path
    name: str
    archive: bytes
    content_hash: str


def packed(folder: Path) -> Packed:
    """Raises InvalidArgumentError and ManifestError."""
    archive = pack(folder)
    return Packed(folder, read_manifest(folder).name, archive, blake3(archive).hexdigest())


def published(client: Client, component: Packed, lease: str | None = None) -> ComponentVersion | None:
    """The newest version with this content that a backend of ours may use; None: there is none."""
    versions = client.items(at("components"), ComponentVersion, name=component.name)
    same = [one for one in versions if one.content_hash == component.content_hash and one.lease_id in (None, lease)]
    return max(same, key=lambda one: one.created_at_ns, default=None)


def publish(client: Client, component: Packed, lease: str | None = None) -> ComponentVersion:
    return client.upload(at("components"), ComponentVersion, component.archive, lease=lease)
