"""`Pie.toml`: what a program is called, which arguments it takes, what it needs; and the identifier `name@version`."""

import re
import tomllib
from dataclasses import dataclass
from typing import Literal, Self, TypeVar

import msgspec

from pie_wire.errors import ManifestError, ProgramIdError, ShapeError
from pie_wire.limits import MANIFEST_LENGTH_MAX, PROGRAM_NAME_LENGTH_MAX, VERSION_LENGTH_MAX
from pie_wire.shape import convert, joined

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_NAME_RULE = f"must be letters, digits, '_' and '-', starting with a letter or digit, at most {PROGRAM_NAME_LENGTH_MAX} characters"
_VERSION_RULE = "must be major.minor.patch"

T = TypeVar("T")
ParameterType = Literal["string", "int", "float", "bool"]


@dataclass(frozen=True, slots=True)
class ProgramId:
    """A program: `name@major.minor.patch`, or one that a registry keeps below its owner: `user/name@major.minor.patch`.

    What stands between `/` and `@` is safe to use as a file name, and so is the version.
    """

    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ProgramIdError`."""
        name, at, version = text.partition("@")
        if not (at and is_scoped_name(name) and is_version(version)):
            raise ProgramIdError(f"Invalid program identifier '{text}': expected 'name@major.minor.patch'")
        return cls(name, version)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class Package(msgspec.Struct, frozen=True):
    """`[package]`."""

    name: str
    version: str
    description: str = ""
    authors: tuple[str, ...] = ()
    repository: str = ""
    readme: str = ""
    keywords: tuple[str, ...] = ()


class Parameter(msgspec.Struct, frozen=True):
    """One entry of `[parameters]`: for people and tools; inputs are not checked against it."""

    type: ParameterType
    optional: bool = False
    description: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """A whole `Pie.toml`."""

    package: Package
    runtime: dict[str, str] = {}
    """Name → version requirement, or a setting of the runtime."""
    parameters: dict[str, Parameter] = {}
    dependencies: dict[str, str] = {}
    """Program name → exact version."""

    @property
    def id(self) -> ProgramId:
        return ProgramId(self.package.name, self.package.version)


def parse(text: str) -> Manifest:
    """The manifest in a TOML text. Unknown tables and fields are ignored. Raises `ManifestError`, which names the wrong key."""
    tables = _tables(text)
    try:
        manifest = Manifest(
            package=convert(_table(tables, "package", required=True), Package, at="package"),
            runtime=_entries(tables, "runtime", str),
            parameters=_entries(tables, "parameters", Parameter),
            dependencies=_entries(tables, "dependencies", str),
        )
    except ShapeError as error:
        raise ManifestError(error.path, error.problem) from error
    _check_names(manifest)
    return manifest


def is_program_name(text: str) -> bool:
    return len(text) <= PROGRAM_NAME_LENGTH_MAX and _NAME.fullmatch(text) is not None


def is_scoped_name(text: str) -> bool:
    """`name` or `user/name`."""
    scope, slash, name = text.rpartition("/")
    return is_program_name(name) and (not slash or is_program_name(scope))


def is_version(text: str) -> bool:
    return len(text) <= VERSION_LENGTH_MAX and _VERSION.fullmatch(text) is not None


def _tables(text: str) -> dict[str, object]:
    if len(text) > MANIFEST_LENGTH_MAX:
        raise ManifestError("", f"the manifest is longer than {MANIFEST_LENGTH_MAX} characters")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError("", f"not valid TOML: {error}") from error
    except RecursionError as error:
        raise ManifestError("", "not valid TOML: nested too deeply") from error


def _table(tables: dict[str, object], name: str, *, required: bool = False) -> dict[str, object]:
    if required and name not in tables:
        raise ShapeError(name, "is missing")
    return convert(tables.get(name, {}), dict[str, object], at=name)


def _entries(tables: dict[str, object], name: str, type_: type[T]) -> dict[str, T]:
    return {key: convert(value, type_, at=joined(name, key)) for key, value in _table(tables, name).items()}


def _check_names(manifest: Manifest) -> None:
    if not is_program_name(manifest.package.name):
        raise ManifestError("package.name", f"{_NAME_RULE}, not {manifest.package.name!r}")
    if not is_version(manifest.package.version):
        raise ManifestError("package.version", f"{_VERSION_RULE}, not {manifest.package.version!r}")
    for name, version in manifest.dependencies.items():
        if not is_program_name(name):
            raise ManifestError(joined("dependencies", name), f"a program name {_NAME_RULE}")
        if not is_version(version):
            raise ManifestError(joined("dependencies", name), f"{_VERSION_RULE}, not {version!r}")
