"""Component versions: published as private prereleases, promoted to releases, never changed."""

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from pie_deploy.config import Home
from pie_deploy.domain.manifest import ComponentManifest, parse_manifest
from pie_deploy.domain.records import ComponentVersion
from pie_deploy.domain.role import Permission
from pie_deploy.errors import ForbiddenError, InvalidArgumentError, LeaseOwnershipError, ManifestError, StorageError
from pie_deploy.limits import ARCHIVE_BYTES_MAX
from pie_deploy.ports.store import Reading
from pie_deploy.services import archive as archives
from pie_deploy.services.access import is_confined
from pie_deploy.services.actor import Actor
from pie_deploy.services.blobs import Blobs
from pie_deploy.services.ledger import Change, Ledger
from pie_deploy.services.lookup import may_see, open_lease, version_of


class Components:
    def __init__(self, ledger: Ledger, blobs: Blobs, home: Home) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._home = home

    def publish(self, actor: Actor, archive: bytes, lease: str | None = None) -> ComponentVersion:
        """Make a prerelease of an archive: a `.tar.gz` of the component's folder, `component.yml` at its root.

        Only the actor sees it until it is promoted. The same content again is a new version with a new id. With `lease`, the lease
        owns it.

        Raises InvalidArgumentError for an archive that is not one or plays tricks (paths, links, sizes), ManifestError,
        ForbiddenError when the name belongs to somebody else (who released a version of it), NotFoundError and LeaseClosedError for
        the lease, StorageError.
        """
        contents = archives.inspect(archive)
        manifest = parse_manifest(contents.manifest)
        _check_program(manifest, contents.files)
        with (
            self._blobs.staged([archive], ARCHIVE_BYTES_MAX) as staged,
            self._blobs.lock,
            self._ledger.change(actor) as change,
        ):
            lease_id = open_lease(change.rows, actor, lease, change.now_ns, Permission.PUBLISH)
            _check_name(change.rows, actor, manifest.name)
            version = ComponentVersion(
                id=change.new_id("cv"),
                name=manifest.name,
                version=str(change.rows.next_version(manifest.name)),
                state="prerelease",
                manifest=manifest,
                content_hash=staged.content_hash,
                owner=actor.name,
                lease_id=lease_id,
                agent=actor.key if is_confined(actor) else "",
                created_at_ns=change.now_ns,
                readme=contents.readme,
            )
            self._blobs.place(staged)
            _put(change, version, "component.published")
        return version

    def promote(self, actor: Actor, ref: str) -> ComponentVersion:
        """Release a version: visible to everybody, for good. Its id stays; no backend and no deployment changes.

        ref: a version's id or `name@version`; a name means the newest version of it that the actor has made. A version that
        is released already is answered as it is. Raises NotFoundError, ForbiddenError, LeaseOwnershipError while a lease owns it.
        """
        with self._ledger.change(actor) as change:
            version = _candidate(change.rows, actor, ref)
            if version.state == "released":
                return version
            if version.lease_id is not None:
                raise LeaseOwnershipError(
                    f"{version.name}@{version.version} belongs to lease {version.lease_id}; promote it out of it first"
                )
            _check_name(change.rows, actor, version.name)
            released = replace(version, state="released", released_at_ns=change.now_ns)
            _put(change, released, "component.released")
        return released

    def show(self, actor: Actor, ref: str) -> ComponentVersion:
        """ref: an id, `name@version`, or a name: its newest released version, else the actor's newest prerelease. NotFoundError
        also for what the actor may not see.
        """
        with self._ledger.reading() as reading:
            return version_of(reading, actor, ref)

    def list(self, actor: Actor, name: str | None = None) -> Sequence[ComponentVersion]:
        """All that the actor may see, by name, newest version first."""
        with self._ledger.reading() as reading:
            return [version for version in reading.versions(name) if may_see(reading, actor, version)]

    def archive(self, actor: Actor, ref: str) -> Path:
        """Where the `.tar.gz` lies. Raises NotFoundError."""
        with self._ledger.reading() as reading:
            return self._blobs.path(version_of(reading, actor, ref, Permission.READ_CONTENTS).content_hash)

    def folder(self, version: ComponentVersion) -> Path:
        """The unpacked version, read only; unpacked now if it is not yet. For the controller. Raises StorageError."""
        folder = self._home.components / version.content_hash
        if folder.is_dir():
            return folder
        aside = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
        try:
            aside.mkdir(mode=0o700, parents=True)
            archives.unpack(self._blobs.path(version.content_hash).read_bytes(), aside)
            _rename(aside, folder)
        except (OSError, InvalidArgumentError) as error:
            raise StorageError(f"{version.name}@{version.version} cannot be unpacked: {error}") from error
        finally:
            _remove(aside)
        return folder

    def prune(self, before_ns: int) -> None:
        """Remove unpacked folders of versions that are gone, and halves that nobody has written to since a moment, while others
        publish and deploy: what they find is whole.
        """
        for folder in self._unused():
            if not folder.name.startswith("."):
                self._discard(folder)
            elif _is_older(folder, before_ns):
                _remove(folder)

    def _discard(self, folder: Path) -> None:
        """Unless it was published again meanwhile."""
        aside = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
        with self._blobs.lock, self._ledger.reading() as reading:
            if reading.is_content_used(folder.name):
                return
            folder.chmod(0o700)  # a folder that is renamed has to be writable
            folder.rename(aside)
        _remove(aside)

    def sweep(self) -> int:
        """Remove unpacked folders of versions that are gone, and what a crash left half unpacked. To be called at the start, before
        anything else. Returns how many there were.
        """
        unused = self._unused()
        for folder in unused:
            _remove(folder)
        return len(unused)

    def _unused(self) -> Sequence[Path]:
        if not self._home.components.is_dir():
            return []
        with self._ledger.reading() as reading:
            return [folder for folder in self._home.components.iterdir() if not reading.is_content_used(folder.name)]


def _candidate(reading: Reading, actor: Actor, ref: str) -> ComponentVersion:
    """What `promote` means by a reference."""
    own = [version for version in reading.versions(ref) if version.owner == actor.name]
    return own[0] if own else version_of(reading, actor, ref, Permission.RELEASE)


def _check_name(reading: Reading, actor: Actor, name: str) -> None:
    """A name belongs to who released it first. Prereleases take no name: nobody can see them."""
    for version in reading.versions(name):
        if version.state == "released" and version.owner != actor.name:
            raise ForbiddenError(f"the component {name} belongs to {version.owner}")


def _check_program(manifest: ComponentManifest, files: frozenset[str]) -> None:
    """What the manifest says is run is there."""
    worker = manifest.worker
    if manifest.language == "py" and worker.entry not in files:
        raise ManifestError(f"worker.entry: there is no file {worker.entry[:200]} in the component")
    if manifest.language == "inferlet" and worker.inferlet is not None:
        program = worker.inferlet.program
        if program.endswith(".wasm") and program not in files:
            raise ManifestError(f"worker.inferlet.program: there is no file {program[:200]} in the component")


def _put(change: Change, version: ComponentVersion, event: str) -> None:
    change.rows.put_version(version)
    data = {"id": version.id, "name": version.name, "version": version.version, "content_hash": version.content_hash}
    change.tell(event, lease_id=version.lease_id, data=data)


def _rename(aside: Path, folder: Path) -> None:
    try:
        aside.chmod(0o700)  # a folder that is renamed has to be writable
        aside.rename(folder)
        folder.chmod(0o555)
    except OSError:
        if not folder.is_dir():  # else somebody else was faster, with the same content
            raise


def _is_older(folder: Path, before_ns: int) -> bool:
    try:
        return folder.stat().st_mtime_ns < before_ns
    except FileNotFoundError:
        return False


def _remove(folder: Path) -> None:
    """A tree that may be read only, or not there."""
    if not folder.exists():
        return
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
