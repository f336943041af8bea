"""A component's `requirements.txt`, from strangers: lines that name packages, and nothing that makes pip do other things. Pure."""

import re

from pie_deploy.errors import LauncherError
from pie_deploy.limits import REQUIREMENTS_BYTES_MAX

_COMMENT = re.compile(r"(?:^|\s)#")
_FOREIGN = frozenset("@/\\$")
"""What only addresses, paths and variables have in them."""


def check_requirements(data: bytes) -> str:
    """The lines that count, one requirement each; empty when there are none. Raises LauncherError, which names the line."""
    if len(data) > REQUIREMENTS_BYTES_MAX:
        raise LauncherError(f"requirements.txt has more than {REQUIREMENTS_BYTES_MAX} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise LauncherError("requirements.txt is not UTF-8") from error
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ")
    return "".join(f"{line}\n" for number, raw in enumerate(joined.splitlines(), 1) if (line := _check(raw, number)))


def _check(raw: str, number: int) -> str:
    line = _COMMENT.split(raw, maxsplit=1)[0].strip()
    if line and not _is_package(line):
        shown = raw.strip()[:100]
        raise LauncherError(f"requirements.txt, line {number}: only names of packages with versions are allowed, not {shown!r}")
    return line


def _is_package(line: str) -> bool:
    starts_well = line[0].isascii() and line[0].isalnum()
    return starts_well and _FOREIGN.isdisjoint(line) and not any(map(_is_option, line.split()))


def _is_option(word: str) -> bool:
    """Of pip's; the hash of a package is none."""
    return word.startswith("-") and not word.startswith("--hash=")
