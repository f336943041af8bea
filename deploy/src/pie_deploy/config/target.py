"""Whom the command line asks, and with which key: the control plane of this user and his own key, or what the environment names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pie_deploy.config.address import Address, read_address, read_credential
from pie_deploy.config.home import Home, default_home
from pie_deploy.errors import InvalidArgumentError

URL_VARIABLE = "PIE_DEPLOY_URL"
KEY_VARIABLE = "PIE_DEPLOY_KEY"


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    """Of the API."""
    credential: str
    address: Address | None
    """None: it is somebody else's."""


def target(home: Home | None = None, environment: Mapping[str, str] = os.environ) -> Target:
    """Raises UnreachableError when none is named and our own is not up, InvalidArgumentError."""
    url, key = environment.get(URL_VARIABLE), environment.get(KEY_VARIABLE)
    if not url:
        home = home or default_home(environment)
        address = read_address(home)
        return Target(address.api_url, key or read_credential(home), address)
    if not url.startswith(("http://", "https://")):
        raise InvalidArgumentError(f"{URL_VARIABLE}: {url!r} is not like https://pie.example.org")
    if not key:
        raise InvalidArgumentError(f"{URL_VARIABLE} says where to ask; say in {KEY_VARIABLE} with which API key")
    return Target(url.rstrip("/"), key, None)
