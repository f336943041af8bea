"""What the registry keeps, as values."""

from dataclasses import dataclass

from bakery.registry.names import ProgramName
from pie_wire.manifest import Parameter


@dataclass(frozen=True, slots=True)
class User:
    """Somebody, as a token shows him."""

    id: int
    login: str
    is_administrator: bool
    """Whether the token is an administrator's; a user may have tokens of both kinds."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as an administrator sees it: not the token, which is not kept."""

    id: int
    login: str
    hint: str
    """Its first characters."""
    is_administrator: bool
    created_s: float
    expires_s: float | None
    revoked_s: float | None

    def is_valid(self, now_s: float) -> bool:
        return self.revoked_s is None and (self.expires_s is None or now_s < self.expires_s)


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody announced to publish, checked: step 1."""

    name: ProgramName
    version: str
    checksum: str
    """SHA-256 of the component, 64 hexadecimal digits in lower case."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A submission whose artifact may be put until `expires_s`."""

    id: str
    user_id: int
    submission: Submission
    expires_s: float


@dataclass(frozen=True, slots=True)
class Details:
    """The small things that a version says of itself."""

    runtime: dict[str, str]
    parameters: dict[str, Parameter]
    dependencies: dict[str, str]
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    repository: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """All that a version says of itself. What is long is kept apart: a program has a thousand versions."""

    manifest: str
    """TOML, as engines get it."""
    description: str
    readme: str
    details: Details


@dataclass(frozen=True, slots=True)
class Version:
    num: str
    checksum: str
    size_bytes: int
    yanked: bool
    created_s: float
    publisher: str
    description: str
    details: Details


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a version's download is."""

    checksum: str
    size_bytes: int
    yanked: bool
    manifest: str


@dataclass(frozen=True, slots=True)
class Program:
    id: int
    name: str
    owner: str
    downloads: int
    created_s: float
    versions: tuple[Version, ...]
    """In the order of `rules.listed`."""
    readme: str
    """Of the first version."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who has a name, or one that looks the same."""

    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class Found:
    """A line of a search."""

    id: int
    name: str
    description: str
    downloads: int
    latest_version: str
    created_s: float


@dataclass(frozen=True, slots=True)
class FoundPage:
    total: int
    items: tuple[Found, ...]
