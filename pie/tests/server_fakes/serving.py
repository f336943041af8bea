"""A server on the dummy driver, for tests."""

from pathlib import Path

from msgspec.structs import replace

from engine_fakes.dummy_engine import dummy_config
from pie.auth import users
from pie.config.config import AuthConfig, Config, LimitsConfig, ServerConfig
from pie.config.home import Home


def config_in(
    folder: Path, *, auth: bool = False, limits: LimitsConfig | None = None, server: ServerConfig | None = None
) -> Config:
    """On a free port."""
    config = dummy_config(folder, limits or LimitsConfig())
    return replace(config, server=server or ServerConfig(port=0), auth=AuthConfig(enabled=auth))


def home_in(folder: Path) -> Home:
    return Home(folder / "home")


def add_user(home: Home, name: str, public_key: str, *, operator: bool = False) -> None:
    users.change(
        home.users, lambda known: users.with_key(users.with_user(known, name, operator=operator), name, "test", public_key)
    )
