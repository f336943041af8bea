"""The registries that the user is logged in to: `config.toml` in bakery's home, mode 0600.

```toml
registry = "http://127.0.0.1:8090"        # the one logged in to last: what commands talk to

[registries."http://127.0.0.1:8090"]
token = "bakery_…"
```
"""

import json
import os
import stat
import tempfile
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from bakery.errors import LoginError

FILE = "config.toml"
_PUBLIC_REGISTRY = "https://registry.pie-project.org"
"""Where the bakery of Pie 0.4 logged in to; its file has a bare `registry_token`."""


@dataclass(frozen=True, slots=True)
class Logins:
    """registry: URL of the one to use, empty if there is none. tokens: by URL."""

    registry: str = ""
    tokens: dict[str, str] = field(default_factory=dict)

    def with_login(self, url: str, token: str) -> Self:
        return replace(self, registry=url, tokens={**self.tokens, url: token})

    def without(self, url: str) -> Self:
        tokens = {known: token for known, token in self.tokens.items() if known != url}
        return replace(self, registry="" if self.registry == url else self.registry, tokens=tokens)


def checked_url(text: str) -> str:
    """A registry's URL in the one form that is used as a key. Raises `LoginError`."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise LoginError(f"{text}: not a URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise LoginError(f"{text}: must be http://HOST[:PORT] or https://HOST[:PORT]")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path.rstrip("/").removesuffix("/api/v1")
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{path}"


def is_safe_for_tokens(url: str) -> bool:
    """Whether nobody on the way can read what is sent."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.hostname or "") in {"localhost", "127.0.0.1", "::1"}


def read_logins(home: Path) -> Logins:
    """Raises `LoginError` if the file cannot be used, or others can read it."""
    path = home / FILE
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise LoginError(f"{path}: others can read the tokens in it: chmod 600 {path}")
        return _logins(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Logins()
    except OSError as error:
        raise LoginError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LoginError(f"{path}: not valid TOML: {error}") from error


def write_logins(home: Path, logins: Logins) -> None:
    """Replaces the file in one step; nobody but its owner can ever read it. Raises `LoginError`."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=home, prefix=FILE)  # mkstemp makes files of mode 0600
    except OSError as error:
        raise LoginError(f"{home}: {error.strerror}") from error
    temporary = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(_text(logins))
        temporary.replace(home / FILE)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LoginError(f"{home / FILE}: {error.strerror}") from error


def _logins(document: dict[str, object]) -> Logins:
    registries = document.get("registries", {})
    tokens: dict[str, str] = {}
    if isinstance(old := document.get("registry_token"), str):
        tokens[_PUBLIC_REGISTRY] = old
    for url, entry in registries.items() if isinstance(registries, dict) else ():
        if isinstance(entry, dict) and isinstance(token := entry.get("token"), str):
            tokens[str(url)] = token
    registry = document.get("registry", "")
    return Logins(registry if isinstance(registry, str) else "", tokens)


def _text(logins: Logins) -> str:
    """JSON's texts are TOML's: URLs and tokens have no characters where they differ."""
    lines = [f"registry = {json.dumps(logins.registry)}"] if logins.registry else []
    for url, token in logins.tokens.items():
        lines += ["", f"[registries.{json.dumps(url)}]", f"token = {json.dumps(token)}"]
    return "\n".join(lines).lstrip("\n") + "\n"
