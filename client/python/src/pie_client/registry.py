"""The newest version of a program, from a registry over HTTP."""

import json
import urllib.request
from urllib.parse import quote, urlsplit

from pie_client.errors import VersionNotFoundError
from pie_client.limits import REGISTRY_ANSWER_BYTES_MAX, REGISTRY_TIMEOUT_S


def newest_version(name: str, registry_url: str) -> str:
    """Of those that are not yanked. Blocking. Raises `VersionNotFoundError`."""
    if urlsplit(registry_url).scheme not in ("http", "https"):
        raise VersionNotFoundError(f"{registry_url!r} is no registry: its address begins with http:// or https://")
    url = f"{registry_url.rstrip('/')}/api/v1/inferlets/{quote(name)}"
    try:
        with urllib.request.urlopen(url, timeout=REGISTRY_TIMEOUT_S) as response:
            answer = json.loads(response.read(REGISTRY_ANSWER_BYTES_MAX))
    except (OSError, ValueError) as error:
        raise VersionNotFoundError(f"cannot ask {registry_url} for '{name}': {error}") from error
    for version in answer.get("versions", ()) if isinstance(answer, dict) else ():
        if isinstance(version, dict) and isinstance(version.get("num"), str) and not version.get("yanked"):
            return str(version["num"])
    raise VersionNotFoundError(f"No version found for '{name}' in registry")
