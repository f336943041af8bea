"""Pie's folder: `$PIE_HOME`, by default `~/.pie`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """Where things are below Pie's folder. None of it needs to exist."""

    root: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.root / "config.toml"

    @property
    def compiled(self) -> Path:
        """Components compiled to machine code."""
        return self.root / "cache" / "compiled"

    @property
    def users(self) -> Path:
        """Who may log in, and their public keys."""
        return self.root / "authorized_users.toml"

    @property
    def api_keys(self) -> Path:
        """Hashes of the API keys for HTTP."""
        return self.root / "api_keys.toml"

    @property
    def programs(self) -> Path:
        """Installed programs: uploads, and what came from the registry."""
        return self.root / "programs"

    @property
    def contexts(self) -> Path:
        """Saved contexts of every model."""
        return self.root / "contexts"

    @property
    def built(self) -> Path:
        """Components built from source by bakery."""
        return self.root / "cache" / "bakery"


def from_environment(environment: Mapping[str, str] = os.environ) -> Home:
    """Pie's folder as the environment says."""
    chosen = environment.get("PIE_HOME")
    return Home(Path(chosen).expanduser().absolute() if chosen else Path.home() / ".pie")
