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
