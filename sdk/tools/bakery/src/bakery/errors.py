"""Why a program could not be built. Messages are for the person who wrote it."""

from dataclasses import dataclass


class BakeryError(Exception):
    """Base of every error that bakery raises on purpose."""


class ProjectError(BakeryError):
    """The input is no project: files or manifest keys are missing or wrong."""


class ToolchainError(BakeryError):
    """Something that bakery needs is not installed where it should be."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong at a place of the source; line 0 means the whole file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class SourceError(BakeryError):
    """The program's source is wrong; `problems` say where, one per line of the message."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class BuildError(BakeryError):
    """The source looks right, but no component came out of it. `log` is what the toolchain said."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class RegistryError(BakeryError):
    """A registry could not be used."""


class RegistryUnreachableError(RegistryError):
    """Nobody answered, or no registry did."""


class RegistryRefusalError(RegistryError):
    """The registry answered no. `status` is the answer's HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class LoginError(RegistryError):
    """There is no token for the registry, or the file with tokens cannot be used."""


class RefusedError(BakeryError):
    """Base of what the registry's server says no with; the class decides the HTTP status (`bakery.registry.api`)."""


class InvalidRequestError(RefusedError):
    """What was sent makes no sense; the message says where."""


class NotFoundError(RefusedError):
    """There is no such program, version or upload."""


class UnauthenticatedError(RefusedError):
    """A token is needed, or the one sent is not valid (any more)."""


class ForbiddenError(RefusedError):
    """The user may not do that."""


class ConflictError(RefusedError):
    """It is taken: the name looks like another, or the version exists and never changes."""


class TooLargeError(RefusedError):
    """More bytes than allowed or announced."""


class TooManyError(RefusedError):
    """Too much at once; later it works. `retry_after_s` says when."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StalledError(RefusedError):
    """The body stopped coming."""


class StoreError(BakeryError):
    """The registry's database or its artifacts cannot be used."""
