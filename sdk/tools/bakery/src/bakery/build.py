"""From source to a component that an engine can run."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bakery.cache import Cache, cache_key
from bakery.check import check
from bakery.component import check_program
from bakery.componentize import componentize
from bakery.errors import SourceError
from bakery.project import Project, read_project
from bakery.toolchain import Toolchain, find_toolchain
from pie_wire.manifest import Manifest

Progress = Callable[[str], None]
"""Told, in a few words, what is being done."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A program, built."""

    wasm: bytes
    manifest: Manifest
    cached: bool
    """Whether it had been built before from the same files by the same tools."""


def build(source: Path, cache_folder: Path | None = None, progress: Progress | None = None) -> Artifact:
    """Builds a folder with main.py and Pie.toml, or a single Python file. Takes 5 to 10 seconds the first time.

    cache_folder: where components are kept, by default ~/.pie/cache/bakery.
    Raises `BakeryError`: `ProjectError`, `SourceError`, `BuildError`, `ToolchainError`.
    """
    project = read_project(source)
    toolchain = find_toolchain()
    cache = Cache(default_cache_folder() if cache_folder is None else cache_folder)
    key = cache_key(project, toolchain)
    component = cache.get(key)
    cached = component is not None
    if component is None:
        component = _build(project, toolchain, progress or _quiet)
        if not cache.put(key, component) and progress is not None:
            progress("could not keep the component in the cache: the next build takes as long")
    return Artifact(component, project.manifest, cached)


def default_cache_folder() -> Path:
    return Path.home() / ".pie" / "cache" / "bakery"


def _build(project: Project, toolchain: Toolchain, progress: Progress) -> bytes:
    checked = check(project)
    progress(f"building {project.manifest.id} (takes about 6 s)")
    with tempfile.TemporaryDirectory(prefix="bakery-") as folder:
        try:
            component = componentize(project, checked.modules, toolchain, Path(folder))
        except SourceError as error:
            raise checked.suspicion or error from error
    check_program(component)
    return component


def _quiet(_: str) -> None:
    """Tells nobody."""
