"""What may be published, by whom, and what of it is shown. Pure: what the world looks like comes in as arguments."""

import json
import re
from collections.abc import Iterable

import msgspec

from bakery.errors import ConflictError, ForbiddenError, InvalidRequestError
from bakery.limits import (
    ARTIFACT_BYTES_MAX,
    DESCRIPTION_CHARACTERS_MAX,
    DETAILS_CHARACTERS_MAX,
    MANIFEST_CHARACTERS_MAX,
    README_CHARACTERS_MAX,
    VERSIONS_MAX,
)
from bakery.registry.manifest_text import manifest_text
from bakery.registry.messages import CommitRequest, NewRequest
from bakery.registry.names import ProgramName, checked_version, sort_key
from bakery.registry.records import Details, Ownership, Statement, Submission, User, Version
from pie_wire.errors import ManifestError
from pie_wire.manifest import Manifest, Package, parse

COMPONENT_MAGIC = b"\0asm\x0d\0\x01\0"
"""What every WebAssembly component begins with; a core module has another version."""

_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line ends, and those that turn the direction of writing: terminals and databases trip."""


def submission(request: NewRequest | CommitRequest, *, bytes_max: int = ARTIFACT_BYTES_MAX) -> Submission:
    """What is to be published, checked field by field. Raises `InvalidRequestError`."""
    name, version = ProgramName.parse(request.name), checked_version(request.version)
    checksum = request.checksum.lower() if len(request.checksum) == 64 else ""
    if _CHECKSUM.fullmatch(checksum) is None:
        raise InvalidRequestError("checksum: must be the SHA-256 of the component, 64 hexadecimal digits")
    if not len(COMPONENT_MAGIC) <= request.size_bytes <= bytes_max:
        raise InvalidRequestError(
            f"size_bytes: a component has {len(COMPONENT_MAGIC)} to {bytes_max} bytes, not {request.size_bytes}"
        )
    return Submission(name, version, checksum, request.size_bytes)


def check_may_publish(user: User, wanted: Submission, taken: Ownership | None, versions: Iterable[str]) -> None:
    """Raises `ForbiddenError` if the name is somebody else's, `ConflictError` if the version is there or the name too like another.

    taken: who has the name or one that looks like it; versions: those that it has.
    """
    name = wanted.name
    if name.scope and name.scope != user.login:
        raise ForbiddenError(f"`{name.scope}/…` belongs to {name.scope}; you are {user.login}")
    if taken is None:
        return
    if taken.name != str(name):
        raise ConflictError(f"`{name}` looks like `{taken.name}`, which exists")
    if taken.owner != user.login:
        raise ForbiddenError(f"`{name}` belongs to {taken.owner}; you are {user.login} (publish as `{user.login}/{name.base}`)")
    nums = set(versions)
    if wanted.version in nums:
        raise ConflictError(f"{name}@{wanted.version} exists, and versions never change: publish the next one")
    if len(nums) >= VERSIONS_MAX:
        raise ConflictError(f"`{name}` has {VERSIONS_MAX} versions, and no program may have more")


def check_may_yank(user: User, name: str, owner: str) -> None:
    if user.login != owner and not user.is_administrator:
        raise ForbiddenError(f"`{name}` belongs to {owner}; you are {user.login}")


def statement(request: CommitRequest, wanted: Submission) -> Statement:
    """What the version says of itself, from its manifest or, without one, from the fields. Raises `InvalidRequestError`."""
    manifest, text = _manifest(request, wanted)
    package = manifest.package
    said = Details(
        manifest.runtime, manifest.parameters, manifest.dependencies, package.authors, package.keywords, package.repository
    )
    _check_details(said)
    return Statement(
        manifest=text,
        description=_text("description", package.description, DESCRIPTION_CHARACTERS_MAX),
        readme=_text("readme", package.readme if request.readme is None else request.readme, README_CHARACTERS_MAX),
        details=said,
    )


def listed(versions: Iterable[Version]) -> tuple[Version, ...]:
    """The order of `info`: newest first, and yanked ones after all others, because clients of Pie 0.4 take the first."""
    newest_first = sorted(versions, key=lambda version: sort_key(version.num), reverse=True)
    return tuple(sorted(newest_first, key=lambda version: version.yanked))


def latest(versions: Iterable[Version]) -> Version | None:
    """What a bare name means; None if all versions are yanked."""
    return max((version for version in versions if not version.yanked), key=lambda version: sort_key(version.num), default=None)


def _manifest(request: CommitRequest, wanted: Submission) -> tuple[Manifest, str]:
    text = manifest_text(_from_fields(request, wanted)) if request.manifest is None else request.manifest
    _text("manifest", text, MANIFEST_CHARACTERS_MAX)
    try:
        manifest = parse(text)
    except ManifestError as error:
        raise InvalidRequestError(f"manifest: {error}") from error
    _check_names(manifest.package, wanted)
    return manifest, text


def _check_details(details: Details) -> None:
    said = msgspec.to_builtins(details)
    if len(json.dumps(said, ensure_ascii=False)) > DETAILS_CHARACTERS_MAX:
        raise InvalidRequestError(
            f"parameters, authors, keywords and such have more than {DETAILS_CHARACTERS_MAX} characters in all"
        )
    if any(_CONTROL.search(text) for text in _texts(said)):
        raise InvalidRequestError("the manifest contains control characters")


def _check_names(package: Package, wanted: Submission) -> None:
    if package.name != wanted.name.base:
        raise InvalidRequestError(f"manifest: its name is {package.name}, not {wanted.name.base}")
    if package.version != wanted.version:
        raise InvalidRequestError(f"manifest: its version is {package.version}, not {wanted.version}")


def _from_fields(request: CommitRequest, wanted: Submission) -> Manifest:
    package = Package(
        name=wanted.name.base,
        version=wanted.version,
        description=request.description or "",
        authors=request.authors or (),
        repository=request.repository or "",
        keywords=request.keywords or (),
    )
    return Manifest(package, request.runtime or {}, request.parameters or {}, request.dependencies or {})


def _text(field: str, text: str, characters_max: int) -> str:
    if len(text) > characters_max:
        raise InvalidRequestError(f"{field}: longer than {characters_max} characters")
    if _CONTROL.search(text):
        raise InvalidRequestError(f"{field}: contains control characters")
    return text


def _texts(value: object) -> Iterable[str]:
    """Every text in a tree of lists and objects, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
