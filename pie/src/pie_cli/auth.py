"""`pie auth`: who may use the server, and with which keys. A running server sees changes at once."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pie.auth import api_keys, users
from pie.auth.keys import parse_public_key
from pie.config.home import from_environment
from pie.errors import InvalidArgumentError, KeyRefusedError
from pie.limits import AUTH_KEY_CHARACTERS_MAX
from pie_cli.options import Json

app = typer.Typer(help="Who may use the server.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
api_key = typer.Typer(help="API keys for HTTP.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(api_key, name="api-key")

User = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]


@app.command()
def add(
    user: User,
    key_name: Annotated[str | None, typer.Argument(metavar="[KEY_NAME]", help="What to call the key (default: the time).")] = None,
    key_file: Annotated[Path | None, typer.Option("--key-file", metavar="PATH", help="The public key, instead of stdin.")] = None,
    operator: Annotated[
        bool | None,
        typer.Option("--operator/--no-operator", help="May see and end everybody's processes, drain and reload the server."),
    ] = None,
) -> None:
    """Add a user, or a key to a user. The public key (OpenSSH or PEM) comes on stdin; without any, the user is added alone."""
    home = from_environment()
    key = _given_key(key_file)
    name = key_name or f"{datetime.now():%Y-%m-%d-%H:%M:%S}"

    def step(known: users.Users) -> users.Users:
        known = users.with_user(known, user, operator=operator)
        return users.with_key(known, user, name, key) if key else known

    now = users.change(home.users, step)
    role = "operator" if now[user].operator else "user"
    typer.echo(f"✓ {role} {user}: " + (f"added key '{name}' ({_described(key)})" if key else f"{len(now[user].keys)} keys"))


@app.command()
def remove(
    user: User,
    key_name: Annotated[str | None, typer.Argument(metavar="[KEY]", help="One key; without it, the user and all keys.")] = None,
) -> None:
    """Remove a user with everything, or one key."""
    home = from_environment()
    if key_name is not None:
        name = key_name
        users.change(home.users, lambda known: users.without_key(known, user, name))
        typer.echo(f"✓ removed key '{name}' of {user}")
        return
    users.change(home.users, lambda known: users.without_user(known, user))
    if home.api_keys.exists():
        api_keys.change(home.api_keys, lambda known: api_keys.without_user(known, user))
    typer.echo(f"✓ removed {user}")


@app.command("list")
def list_users(as_json: Json = False) -> None:
    """List the users and their keys."""
    known = users.load(from_environment().users)
    if as_json:
        listed = [
            {
                "user": name,
                "operator": user.operator,
                "keys": [{"name": key, "kind": _kind(text)} for key, text in user.keys.items()],
            }
            for name, user in known.items()
        ]
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    for name, user in known.items():
        typer.echo(f"{name}{' (operator)' if user.operator else ''}")
        for key, text in user.keys.items():
            typer.echo(f"  {key}  {_kind(text)}")
    if not known:
        typer.echo("no users; add one with: pie auth add USER < ~/.ssh/id_ed25519.pub", err=True)


@api_key.command("create")
def create_api_key(
    user: User,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="What to call the key (default: the time).")] = None,
) -> None:
    """Make an API key for a user and print it. It cannot be shown again."""
    home = from_environment()
    users.require(users.load(home.users), user)
    key, now = api_keys.generate(), datetime.now()
    chosen = name or f"{now:%Y-%m-%d-%H:%M:%S}"
    api_keys.change(home.api_keys, lambda known: api_keys.with_key(known, user, chosen, key, f"{now:%Y-%m-%d %H:%M:%S}"))
    typer.echo(key)
    typer.echo(f"pie: API key '{chosen}' of {user}; keep it safe, it cannot be shown again", err=True)


@api_key.command("list")
def list_api_keys(as_json: Json = False) -> None:
    """List the API keys by name; they themselves are not known."""
    known = api_keys.load(from_environment().api_keys)
    listed = [{"user": user, "name": name, "created": key.created} for user, keys in known.items() for name, key in keys.items()]
    if as_json:
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    for entry in listed:
        typer.echo("{user}  {name}  {created}".format(**entry))


@api_key.command("revoke")
def revoke_api_key(user: User, name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")]) -> None:
    """Revoke an API key: it stops working at once."""
    api_keys.change(from_environment().api_keys, lambda known: api_keys.without_key(known, user, name))
    typer.echo(f"✓ revoked API key '{name}' of {user}")


def _given_key(file: Path | None) -> str:
    """The key's text from the file or stdin; empty if stdin is. Raises `KeyRefusedError`."""
    try:
        if file is not None:
            with file.open(encoding="utf-8") as stream:
                key = stream.read(AUTH_KEY_CHARACTERS_MAX + 1).strip()
            if not key:
                raise KeyRefusedError(f"{file} is empty")
            return key
        if sys.stdin is None:  # our caller closed it
            return ""
        if sys.stdin.isatty():
            typer.echo("Paste the public key (a line of ~/.ssh/id_ed25519.pub), then Ctrl-D:", err=True)
        return sys.stdin.read(AUTH_KEY_CHARACTERS_MAX + 1).strip()
    except UnicodeDecodeError as error:
        raise KeyRefusedError("this is not text, so it is no public key") from error
    except OSError as error:
        raise InvalidArgumentError(f"{file} cannot be read: {error.strerror}") from error


def _described(key: str) -> str:
    parsed = parse_public_key(key)
    return f"{parsed.kind}, {parsed.fingerprint}"


def _kind(key: str) -> str:
    try:
        return _described(key)
    except KeyRefusedError as error:
        return f"unusable: {error}"
