"""What is to be built: the files of a program and its manifest."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bakery.errors import ProjectError
from bakery.limits import SOURCE_BYTES_MAX, SOURCE_FILES_MAX
from pie_wire.errors import ManifestError
from pie_wire.manifest import Manifest, Package, parse

MAIN = "main.py"
MANIFEST = "Pie.toml"
_LEFT_OUT = frozenset({"__pycache__", "build", "dist", "node_modules"})
_LEFT_OUT_SUFFIXES = frozenset({".pyc", ".wasm"})
_ABOUT_IT = frozenset({MANIFEST, "README.md"})
"""Say what the program is: they are not in the component, and changing them builds nothing anew."""


@dataclass(frozen=True, slots=True)
class Project:
    """A Python program. `main.py` among its files is where it begins.

    files: content by path relative to the project, forward slashes; without the manifest.
    shown: how messages call the project's main file: a single-file program keeps its own name.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    shown: str = MAIN

    def shown_as(self, file: str) -> str:
        return self.shown if file == MAIN else file


def read_project(source: Path) -> Project:
    """The project in a folder or in a single file. Raises `ProjectError`."""
    if source.is_dir():
        return _read_folder(source)
    if source.is_file() and source.suffix == ".py":
        return _read_file(source)
    if not source.exists():
        raise ProjectError(f"{source}: there is no such file or folder")
    raise ProjectError(f"{source}: expected a folder with {MAIN} and {MANIFEST}, or a Python file")


def _read_file(source: Path) -> Project:
    package = Package(name=_program_name(source.stem), version="0.1.0")
    return Project(Manifest(package=package), {MAIN: source.read_bytes()}, shown=source.name)


def _read_folder(folder: Path) -> Project:
    for other in ("Cargo.toml", "package.json"):
        if (folder / other).exists() and not (folder / MAIN).exists():
            raise ProjectError(f"{folder}: has a {other}; this version builds Python programs only")
    for needed in (MAIN, MANIFEST):
        if not (folder / needed).is_file():
            raise ProjectError(f"{folder}: has no {needed} (`bakery create NAME` makes a project to start from)")
    return Project(_manifest(folder / MANIFEST), dict(_files(folder)))


def _manifest(path: Path) -> Manifest:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except ManifestError as error:
        raise ProjectError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: not UTF-8 text") from error


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that may matter to the build, in a fixed order: hidden, built and installed files do not."""
    size_bytes = 0
    about_it = {folder / name for name in _ABOUT_IT}
    for count, path in enumerate((path for path in _walk(folder) if path not in about_it), start=1):
        content = path.read_bytes()
        size_bytes += len(content)
        if count > SOURCE_FILES_MAX or size_bytes > SOURCE_BYTES_MAX:
            raise ProjectError(
                f"{folder}: more than {SOURCE_FILES_MAX} files or {SOURCE_BYTES_MAX >> 20} MiB; is this a program's folder?"
            )
        yield str(PurePosixPath(path.relative_to(folder))), content


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _LEFT_OUT or path.suffix in _LEFT_OUT_SUFFIXES or path.is_symlink():
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and not (path / "pyvenv.cfg").exists():
            yield from _walk(path)


def _program_name(stem: str) -> str:
    """A valid program name close to a file's."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "program"
