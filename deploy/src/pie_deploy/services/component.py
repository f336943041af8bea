"""Component versions: published as private prereleases, promoted to releases, never changed."""

from collections.abc import Sequence
from pathlib import Path

from pie_deploy.domain.records import ComponentVersion
from pie_deploy.services.actor import Actor


class Components:
    def publish(self, actor: Actor, archive: bytes, lease: str | None = None) -> ComponentVersion:
        """Make a prerelease of an archive: a `.tar.gz` of the component's folder, `component.yml` at its root.

        Only the actor sees it until it is promoted. The same content again is a new version with a new id. With `lease`, the lease
        owns it.

        Raises InvalidArgumentError for an archive that is not one or plays tricks (paths, links, sizes), ManifestError,
        ForbiddenError when the name belongs to somebody else (who released a version of it), NotFoundError and LeaseClosedError for
        the lease, StorageError.
        """
        raise NotImplementedError

    def promote(self, actor: Actor, ref: str) -> ComponentVersion:
        """Release a version: visible to everybody, for good. Its id stays; no backend and no deployment changes.

        ref: a version's id or `name@version`; a name means the actor's newest prerelease of it. A version that is released
        already is answered as it is. Raises NotFoundError, ForbiddenError, LeaseOwnershipError while a lease owns it.
        """
        raise NotImplementedError

    def show(self, actor: Actor, ref: str) -> ComponentVersion:
        """ref: an id, `name@version`, or a name: its newest released version, else the actor's newest prerelease. NotFoundError
        also for what the actor may not see.
        """
        raise NotImplementedError

    def list(self, actor: Actor, name: str | None = None) -> Sequence[ComponentVersion]:
        """All that the actor may see, by name, newest version first."""
        raise NotImplementedError

    def archive(self, actor: Actor, ref: str) -> Path:
        """Where the `.tar.gz` lies. Raises NotFoundError."""
        raise NotImplementedError

    def folder(self, version: ComponentVersion) -> Path:
        """The unpacked version, read only; unpacked now if it is not yet. For the controller. Raises StorageError."""
        raise NotImplementedError
