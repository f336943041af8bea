"""Virtual environments, made once for what they hold and shared by every container that needs the same.

    <environments>/<key>/          the environment, at the path where it is used: scripts in it name that path
    <environments>/<key>/.complete written last; without it the folder is what a killed builder has left
    <environments>/<key>.lock      held while one builds; the kernel gives it up with the builder and its pip, however they end

The key is a hash of the requirements, the Python and the seeds. A complete environment is never changed.
"""

import asyncio
import compileall
import contextlib
import fcntl
import os
import platform
import shutil
import sys
import threading
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import blake3

from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.pip import install
from pie_deploy.launchers.process.requirements import check_requirements
from pie_deploy.launchers.process.seeds import COMPONENT, INFERLET, Seed, copy_seed, find_seeds
from pie_deploy.launchers.process.shelf import put_aside
from pie_deploy.limits import ENVIRONMENT_LOCK_POLL_S, REQUIREMENTS_BYTES_MAX, REQUIREMENTS_INSTALL_S
from pie_flow.container import ContainerSpec, InferletProgram

_LAYOUT = "1"
"""Another one when environments are made in another way."""
_COMPLETE = ".complete"
_REQUIREMENTS = ("requirements.txt", "src/requirements.txt")


class Environments:
    """`variables` is what pip sees. With `wheels_only` nothing of what is installed runs while it is installed."""

    def __init__(self, folder: Path, variables: Mapping[str, str], *, wheels_only: bool = False) -> None:
        self._folder = folder
        self._variables = variables
        self._wheels_only = wheels_only
        self._building: dict[str, asyncio.Task[Path]] = {}
        self._is_closed = threading.Event()
        self._using = threading.Lock()
        """Held while one is found and noted as needed, and while one that is not needed is put aside."""
        self._seeds: dict[tuple[str, ...], list[Seed]] = {}
        """As they were when first looked at: new code of the platform counts when the platform is started again."""

    async def ensure(self, spec: ContainerSpec) -> Path:
        """The environment that the container needs, made if there is none yet. Raises LauncherError."""
        requirements, seeds, key = await asyncio.to_thread(self._needs, spec)
        path = self._folder / key
        if await asyncio.to_thread(self._is_there, path):
            return path
        task = self._building.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._make, path, requirements, seeds), name=f"environment-{key}")
            self._building[key] = task
            task.add_done_callback(self._built)
        return await asyncio.shield(task)  # others may wait for it, too

    def _built(self, task: "asyncio.Task[Path]") -> None:
        self._building = {key: one for key, one in self._building.items() if one is not task}
        if not task.cancelled():
            task.exception()  # whoever waits has it, and perhaps nobody does any more

    async def close(self) -> None:
        """Gives up what is being made; the next one who needs it makes it anew."""
        self._is_closed.set()
        if self._building:
            await asyncio.wait(self._building.values())

    def put_aside(self, path: Path, used_before_ns: int) -> bool:
        """For pruning: False when somebody has asked for it since, or is about to make it. Blocking. Raises OSError."""
        lock_path = path.with_suffix(".lock")
        with contextlib.closing(_LockFile(lock_path)) as lock:
            if not lock.is_taken():
                return False
            with self._using:
                if not put_aside(path, used_before_ns):
                    return False
            lock_path.unlink(missing_ok=True)
        return True

    def _is_there(self, path: Path) -> bool:
        """And needed now: from here on it is not pruned for a while."""
        with self._using:
            if not (path / _COMPLETE).exists():
                return False
            with contextlib.suppress(OSError):  # a disk that refuses this refuses to prune as well
                os.utime(path)
            return True

    def _needs(self, spec: ContainerSpec) -> tuple[str, list[Seed], str]:
        requirements = check_requirements(_read_requirements(spec))
        names = INFERLET if isinstance(spec.program, InferletProgram) else COMPONENT
        if names not in self._seeds:
            self._seeds[names] = find_seeds(names)
        return requirements, self._seeds[names], environment_key(requirements, self._seeds[names])

    def _make(self, path: Path, requirements: str, seeds: Sequence[Seed]) -> Path:
        """Blocking. Two builders, also of two processes, make it once."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _lock(path.with_suffix(".lock"), self._is_closed) as lock:
                if not self._is_there(path):
                    shutil.rmtree(path, ignore_errors=True)
                    self._build(path, requirements, seeds, lock)
                    (path / _COMPLETE).touch()
        except OSError as error:
            raise LauncherError(f"the environment cannot be made: {error}") from error
        return path

    def _build(self, path: Path, requirements: str, seeds: Sequence[Seed], lock: int) -> None:
        venv.EnvBuilder(symlinks=True, with_pip=False).create(path)
        site_packages = path / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        for seed in seeds:
            copy_seed(seed, site_packages)
        compileall.compile_dir(site_packages, quiet=2)
        if requirements:
            (path / "requirements.txt").write_text(requirements)
            install(path, self._variables, wheels_only=self._wheels_only, lock=lock, give_up=self._is_closed)


def environment_key(requirements: str, seeds: Sequence[Seed]) -> str:
    facts = [_LAYOUT, platform.python_implementation(), platform.python_version(), sys.base_prefix, requirements]
    facts += [f"{seed.name} {seed.version} {seed.fingerprint}" for seed in seeds]
    return blake3.blake3("\0".join(facts).encode()).hexdigest()[:32]


def _read_requirements(spec: ContainerSpec) -> bytes:
    if spec.component_folder is None:
        return b""
    for name in _REQUIREMENTS:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), (Path(spec.component_folder) / name).open("rb") as file:
            return file.read(REQUIREMENTS_BYTES_MAX + 1)
    return b""


@contextlib.contextmanager
def _lock(path: Path, give_up: threading.Event) -> Iterator[int]:
    """Waits for another builder, as long as that one may take. Raises LauncherError when it takes longer."""
    deadline_s = time.monotonic() + REQUIREMENTS_INSTALL_S
    while True:
        with contextlib.closing(_LockFile(path)) as lock:
            if lock.is_taken():
                yield lock.descriptor
                return
        if time.monotonic() > deadline_s or give_up.wait(ENVIRONMENT_LOCK_POLL_S):
            raise LauncherError("somebody else builds the same environment, for too long")


class _LockFile:
    """A file that whoever has locked it may also delete."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def is_taken(self) -> bool:
        """By us, now. False when another one has it, or has deleted it since it was opened."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(self.descriptor), self._path.stat())
        except (BlockingIOError, FileNotFoundError):
            return False

    def close(self) -> None:
        os.close(self.descriptor)
