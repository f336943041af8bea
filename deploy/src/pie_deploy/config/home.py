"""The platform's folder: where everything lies, and who may look into it."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pie_deploy.errors import StorageError

HOME_VARIABLE = "PIE_DEPLOY_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """The platform's folder, by default `~/.pie/deploy`."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.yml"

    @property
    def database(self) -> Path:
        return self.root / "platform.db"

    @property
    def mac_key(self) -> Path:
        """Key of the forwarding tokens, mode 0600."""
        return self.root / "mac-key"

    @property
    def credential(self) -> Path:
        """API key of the local user, mode 0600."""
        return self.root / "credential"

    @property
    def address(self) -> Path:
        """JSON with the URLs and the pid of the control plane that runs."""
        return self.root / "address.json"

    @property
    def lock(self) -> Path:
        """Locked, with the pid in it, while a control plane runs."""
        return self.root / "lock"

    @property
    def blobs(self) -> Path:
        """Archives and files by content hash."""
        return self.root / "blobs"

    @property
    def components(self) -> Path:
        """Unpacked component versions by content hash, read only."""
        return self.root / "components"

    @property
    def containers(self) -> Path:
        """A folder per container: spec, work, generated."""
        return self.root / "containers"

    @property
    def environments(self) -> Path:
        """Virtual environments by content hash of what they hold."""
        return self.root / "environments"

    @property
    def caches(self) -> Path:
        """A cache folder per component, surviving deployments."""
        return self.root / "caches"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Folder of the sockets. Short, because a socket's path has at most 107 bytes; the same for the same root."""
        digest = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"pie-{os.getuid()}" / digest

    def _folders(self) -> tuple[Path, ...]:
        return self.blobs, self.components, self.containers, self.environments, self.caches, self.logs

    def create(self) -> None:
        """Make the folders, private to the user. Raises StorageError when that cannot be, or one is somebody else's."""
        for folder in (self.root, self.run.parent, self.run, *self._folders()):
            _make(folder)
        for folder in (self.run.parent, self.run):
            status = folder.lstat()
            if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
                raise StorageError(f"{folder} is not a folder of this user alone; remove it")


def handed_folder(home: Home, container_id: str) -> Path:
    """Of the files that a container was given and that may be replaced while it runs."""
    return home.containers / container_id / "files"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error


def default_home(environment: Mapping[str, str] = os.environ) -> Home:
    """As the environment says, else `~/.pie/deploy`."""
    chosen = environment.get(HOME_VARIABLE)
    return Home(Path(chosen).expanduser().absolute() if chosen else Path.home() / ".pie" / "deploy")
