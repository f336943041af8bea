"""Where the engine is and who the user is: the file `cli_config.toml`, and what the command line puts in place of it."""

import getpass
import json
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pie_client_cli.failure import CommandError
from pie_wire.errors import ShapeError
from pie_wire.shape import convert

_KEYS_OF_SSH = ("id_ed25519", "id_ecdsa", "id_rsa")
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of the file, with their defaults."""

    host: str = "127.0.0.1"
    """A name, an address, or a whole URL such as wss://pie.example.com/v1/ws, which then needs no port."""
    port: int = 8080
    username: str = ""
    """Empty: whoever runs the command."""
    private_key_path: str = ""
    """Empty: the first of `id_ed25519`, `id_ecdsa` and `id_rsa` in ~/.ssh that can be used."""
    enable_auth: bool = True
    """Whether the key is used; the engine decides whether one is needed."""

    @property
    def uri(self) -> str:
        if "://" in self.host:
            return self.host
        return f"ws://[{self.host}]:{self.port}" if ":" in self.host else f"ws://{self.host}:{self.port}"

    @property
    def user(self) -> str:
        return self.username or _who()


def default_path(environment: Mapping[str, str], home: Path) -> Path:
    """`$PIE_CLI_HOME/cli_config.toml`, or below ~/.pie."""
    folder = environment.get("PIE_CLI_HOME")
    return (Path(folder).expanduser() if folder else home / ".pie") / "cli_config.toml"


def load(path: Path | None) -> Settings:
    """What the file says, or the defaults if there is none and none was asked for. Raises `CommandError`."""
    target = path or default_path(os.environ, Path.home())
    try:
        text = target.expanduser().read_text("utf-8")
    except FileNotFoundError as error:
        if path is None:
            return Settings()
        raise CommandError(f"there is no configuration file {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {target}: {error}") from error
    return parsed(text, target)


def parsed(text: str, path: Path) -> Settings:
    """Raises `CommandError`, which names the file and the key."""
    try:
        return convert(tomllib.loads(text), Settings)
    except (tomllib.TOMLDecodeError, ShapeError) as error:
        raise CommandError(f"{path}: {error}") from error


def written(settings: Settings) -> str:
    """The file's text."""
    values = msgspec.to_builtins(settings)
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def changed(settings: Settings, **values: object) -> Settings:
    """With the values that are not None in place of what was."""
    return msgspec.structs.replace(settings, **{key: value for key, value in values.items() if value is not None})


def key_path(settings: Settings, home: Path) -> Path | None:
    """The private key to use. Raises `CommandError` if one is named that others could read, or that is not there."""
    if not settings.enable_auth:
        return None
    if settings.private_key_path:
        path = Path(settings.private_key_path).expanduser()
        _check_mode(path)
        return path
    found = (home / ".ssh" / name for name in _KEYS_OF_SSH)
    return next((path for path in found if path.is_file() and not path.stat().st_mode & _OF_OTHERS), None)


def _check_mode(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CommandError(f"cannot read the private key {path}: {error.strerror}") from error
    if mode & _OF_OTHERS:
        raise CommandError(f"others can read the private key {path} (mode {stat.S_IMODE(mode):04o}); `chmod 600 {path}` ends that")


def _who() -> str:
    """The user's name. Without a terminal, an entry in /etc/passwd or variables that tell, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user-{os.getuid()}"
