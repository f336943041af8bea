"""A component's `requirements.txt`, from strangers: lines that name packages, and nothing that makes pip do other things. Pure."""

import re

from pie_deploy.errors import LauncherError
from pie_deploy.limits import REQUIREMENTS_BYTES_MAX

_LINE = re.compile(
    r"""
    [A-Za-z0-9][A-Za-z0-9._-]*            # a name
    \s*(\[[A-Za-z0-9._,\s-]*\])?          # extras
    \s*[^@#]*                             # versions and conditions; no `@ url`
    (--hash=sha(256|384|512):[0-9a-f]+\s*)*
    """,
    re.VERBOSE,
)


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
    line = re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
    words = line.split()
    if not line:
        return ""
    if not _LINE.fullmatch(line) or any(word.startswith("-") and not word.startswith("--hash=") for word in words):
        raise LauncherError(
            f"requirements.txt, line {number}: only names of packages with versions are allowed, not {raw.strip()[:100]!r}"
        )
    if "/" in line.partition(";")[0] or "\\" in line:
        raise LauncherError(f"requirements.txt, line {number}: paths and addresses are not allowed: {raw.strip()[:100]!r}")
    return line
