"""Finds a program by what a person wrote: a name, a folder, a Python file, or a component with its manifest.

Source is built on the way (`bakery`, some seconds the first time, then from its cache). After this, all programs are alike.
"""

from collections.abc import Callable
from pathlib import Path

from pie.errors import ManifestError, ProgramError, ProgramNotFoundError
from pie.limits import PROGRAM_BYTES_MAX
from pie.programs import bundled
from pie.programs.resolved import ResolvedProgram
from pie.programs.target import Target
from pie_wire import errors as wire_errors
from pie_wire.manifest import Manifest, is_version, parse

Progress = Callable[[str], None]
"""Told, in a few words, what takes time."""


def resolve(target: str, cache: Path, progress: Progress, *, examples: Path | None = None) -> ResolvedProgram:
    """The program that `target` names: `name`, `name@version` of an example, a folder or a Python file.

    `cache` is where built components are kept. Raises `ProgramNotFoundError`, `ProgramError`.
    """
    source = local_source(target, examples=examples)
    if source is not None:
        return from_source(source, cache, progress)
    name, _, version = target.partition("@")
    return example(name, version, cache, progress, examples=examples)


def local_source(target: str, *, examples: Path | None = None) -> Path | None:
    """The folder or file that `target` means, which need not exist; None if it is a name.

    What looks like a path is one; a bare name is an example, or else a folder of that name here. Raises `ProgramError`.
    """
    path = Path(target)
    if path.suffix == ".wasm":
        raise ProgramError(f"{target}: a component needs its manifest: --path {target} --manifest Pie.toml")
    if _looks_like_a_path(target):
        return path
    name = target.partition("@")[0]
    is_example = name in bundled.sources(bundled.folder() if examples is None else examples)
    return path if not is_example and (path / "main.py").is_file() else None


def may_be_in_a_registry(target: str) -> bool:
    """Whether `target`, which looks like a path, can also be `user/name` or `user/name@1.2.3`."""
    try:
        return bool(Target.parse(target))
    except ProgramNotFoundError:
        return False


def example(name: str, version: str, cache: Path, progress: Progress, *, examples: Path | None = None) -> ResolvedProgram:
    """One that comes with Pie, built; `version` may be `latest` or empty. Raises `ProgramNotFoundError`, `ProgramError`."""
    source = bundled.source(name, bundled.folder() if examples is None else examples)
    _check_version(name, version, manifest_of(source / "Pie.toml"))
    return from_source(source, cache, progress)


def from_source(source: Path, cache: Path, progress: Progress) -> ResolvedProgram:
    """A folder or Python file, built. Raises `ProgramNotFoundError`, `ProgramError`."""
    from bakery.build import build  # lazily: most of the engine has no need of a toolchain
    from bakery.errors import BakeryError

    if not source.exists():
        raise ProgramNotFoundError(f"{source}: there is no such file or folder")
    try:
        artifact = build(source, cache, progress)
    except (BakeryError, OSError) as error:
        raise ProgramError(str(error)) from error
    return ResolvedProgram(artifact.wasm, artifact.manifest)


def from_files(component: Path, manifest: Path) -> ResolvedProgram:
    """A component and its manifest. Raises `ProgramNotFoundError`, `ProgramError`, `ManifestError`."""
    parsed = manifest_of(manifest)
    if component.is_file() and component.stat().st_size > PROGRAM_BYTES_MAX:
        raise ProgramError(f"{component}: larger than {PROGRAM_BYTES_MAX >> 20} MiB")
    return ResolvedProgram(_read(component), parsed)


def manifest_of(path: Path) -> Manifest:
    """The manifest in a file. Raises `ProgramNotFoundError`, `ProgramError`, `ManifestError`."""
    try:
        return parse(_read(path).decode())
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: not UTF-8 text") from error
    except wire_errors.ManifestError as error:
        raise ManifestError(f"{path}: {error}") from error


def _looks_like_a_path(target: str) -> bool:
    return "/" in target or target.endswith(".py") or target in (".", "..")


def _check_version(name: str, version: str, manifest: Manifest) -> None:
    if version in ("", "latest", manifest.package.version):
        return
    if not is_version(version):
        raise ProgramNotFoundError(f"'{version}' is no version: expected {name}@major.minor.patch or {name}@latest")
    raise ProgramNotFoundError(f"no version {version} of '{name}' here, only {manifest.package.version}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ProgramNotFoundError(f"{path}: there is no such file") from error
    except OSError as error:
        raise ProgramError(f"{path}: cannot be read: {error.strerror}") from error
