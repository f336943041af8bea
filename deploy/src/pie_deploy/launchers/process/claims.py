"""What the containers of a machine need of what they share. It stands in their folders, so that a control plane that has just come
up knows it, too:

    <containers>/<id>/spec.json      names its cache
    <containers>/<id>/environment    leads to its environment
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pie_deploy.launchers.process.container_record import read_record
from pie_deploy.launchers.process.small_file import read_small_file

SPEC_FILE = "spec.json"
_ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Claims:
    environments: frozenset[str]
    """Names in their folder."""
    caches: frozenset[str]
    are_complete: bool
    """Whether that is all: there is no container that was started and does not say what it needs."""


class _Spec(msgspec.Struct):
    cache_folder: str


def claim_environment(container: Path, environment: Path) -> None:
    """Raises OSError."""
    aside = container / f"{_ENVIRONMENT}.new"
    aside.unlink(missing_ok=True)
    aside.symlink_to(environment)
    aside.replace(container / _ENVIRONMENT)


def claims(containers: Path) -> Claims:
    """Of all whose folders are there. Blocking."""
    environments, caches, are_complete = set(), set(), True
    for folder in containers.iterdir() if containers.is_dir() else ():
        environment, cache = _environment(folder), _cache(folder)
        if environment is not None:
            environments.add(environment)
        if cache is not None:
            caches.add(cache)
        if environment is None or cache is None:
            are_complete &= read_record(containers, folder.name) is None
    return Claims(frozenset(environments), frozenset(caches), are_complete)


def _environment(container: Path) -> str | None:
    with contextlib.suppress(OSError):
        return (container / _ENVIRONMENT).readlink().name
    return None


def _cache(container: Path) -> str | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return Path(msgspec.json.decode(read_small_file(container / SPEC_FILE), type=_Spec).cache_folder).name
    return None
