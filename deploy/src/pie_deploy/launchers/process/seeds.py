"""What every environment holds besides a component's requirements: copies of the platform's own distributions, made offline."""

import hashlib
import importlib.metadata
import json
import re
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

import blake3

from pie_deploy.errors import LauncherError

COMPONENT = ("pie-component", "pie-flow")
INFERLET = (*COMPONENT, "pie-client")

_LEFT_OUT = ("__pycache__", "tests")
_FOR_PYPY = re.compile(r"""==\s*['"]pypy""", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Seed:
    """One distribution, and the files and folders of it that make it importable."""

    name: str
    version: str
    paths: tuple[Path, ...]
    """To be copied into `site-packages`."""
    fingerprint: str
    """Another one when the content is another one."""


def find_seeds(names: Sequence[str]) -> list[Seed]:
    """These distributions and what they require, as they are installed here. Raises LauncherError for what is not."""
    found: dict[str, Seed] = {}
    waiting = list(names)
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise LauncherError(f"the distribution {name} is not installed beside the platform") from error
        found[name] = _seed(name, distribution)
        waiting.extend(_required(distribution))
    return sorted(found.values(), key=lambda seed: seed.name)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(distribution: Distribution) -> Iterable[str]:
    """Names without extras. What hangs on a condition (an old Python, another system) is left out unless it is installed here."""
    for requirement in distribution.requires or ():
        text, _, condition = requirement.partition(";")
        match = _NAME.match(text.strip())
        if match is None or "extra" in condition or _FOR_PYPY.search(condition):
            continue
        if not condition or _is_installed(match[0]):
            yield match[0]


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _seed(name: str, distribution: Distribution) -> Seed:
    source = _editable_source(distribution)
    paths = _installed(distribution) if source is None else _packages(source)
    if not paths:
        raise LauncherError(f"the distribution {name} has no files that could be copied")
    fingerprint = distribution.read_text("RECORD") or "" if source is None else _content(paths)
    return Seed(name, distribution.version, tuple(paths), hashlib.sha256(fingerprint.encode()).hexdigest())


def _editable_source(distribution: Distribution) -> Path | None:
    """The folder of an editable install (PEP 610)."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(urllib.request.url2pathname(urllib.parse.urlsplit(origin["url"]).path))


def _packages(source: Path) -> list[Path]:
    root = source / "src" if (source / "src").is_dir() else source
    return sorted(path for path in root.iterdir() if (path / "__init__.py").is_file())


def _installed(distribution: Distribution) -> list[Path]:
    """The top-level packages, modules and metadata of a wheel; nothing that it put elsewhere (scripts, headers)."""
    root = Path(str(distribution.locate_file("")))
    tops = {Path(file).parts[0] for file in distribution.files or () if ".." not in file.parts and not file.is_absolute()}
    return sorted(root / top for top in tops if top != "__pycache__" and (root / top).exists())


def _content(paths: Iterable[Path]) -> str:
    """Of source folders, which change without their version."""
    digest = blake3.blake3()
    for path in paths:
        for file in sorted(path.rglob("*")):
            if file.is_file() and not any(part in _LEFT_OUT for part in file.parts):
                digest.update(f"{file.relative_to(path.parent)}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def copy_seed(seed: Seed, site_packages: Path) -> None:
    """Raises OSError."""
    for path in seed.paths:
        target = site_packages / path.name
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        else:
            shutil.copy2(path, target)
