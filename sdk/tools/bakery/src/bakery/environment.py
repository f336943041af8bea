"""What bakery takes from environment variables: read here and nowhere else."""

import os
from pathlib import Path


def bakery_home() -> Path:
    """`BAKERY_HOME`, or ~/.pie/bakery: tokens, and a registry's own data if no other place is given."""
    text = os.environ.get("BAKERY_HOME", "")
    return Path(text).expanduser() if text else Path.home() / ".pie" / "bakery"


def registry_url() -> str | None:
    """`BAKERY_REGISTRY`: which registry commands talk to when they are not told."""
    return os.environ.get("BAKERY_REGISTRY") or None


def database_url() -> str | None:
    """`BAKERY_DATABASE`: of a registry; a password in it is not seen in the list of processes."""
    return os.environ.get("BAKERY_DATABASE") or None
