"""`pie key`: API keys that the platform keeps."""

import time
from typing import Annotated

import typer

from pie_deploy.cli.client import at, connect, given
from pie_deploy.cli.options import Json, Watch, Wide
from pie_deploy.cli.patience import present
from pie_deploy.cli.screen import Columns, Listing, say, show_done, show_json
from pie_deploy.cli.text import ago, until
from pie_deploy.cli.verbs import noun
from pie_deploy.domain.role import Role
from pie_deploy.services.views import KeyView, MadeKey

app = noun("API keys: made, listed, revoked.")


@app.command()
def create(
    role: Annotated[
        Role, typer.Option("--role", metavar="ROLE", help="owner, editor, operator, viewer or agent; at most your own.")
    ],
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="How long it lives, such as 30d or 12h (default: 90d).")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it (default: its id).")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="As whom it asks, instead of you; for owners.")] = None,
    as_json: Json = False,
) -> None:
    """Make an API key and print it. It cannot be shown again. For example: pie key create --role viewer --expires 30d --name ci"""
    wish = given({"role": role, "expires": expires, "name": name, "user": user})
    with connect() as client:
        made = client.post(at("keys"), MadeKey, wish)
    if as_json:
        show_json(made)
        return
    key = made.key
    print(made.secret, flush=True)
    say(f"key {key.name} of {key.user}, {key.role}, for {until(key.expires_at_ns, key.created_at_ns)}; it cannot be shown again")


@app.command("list")
def list_keys(
    all_users: Annotated[bool, typer.Option("--all", help="Also those of other users; for owners.")] = False,
    watching: Watch = False,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """List your API keys; they themselves are not known. For example: pie key list --all"""
    with connect() as client:

        def look() -> Listing[KeyView]:
            rows = client.items(at("keys"), KeyView, all=all_users or None)
            return Listing(columns(time.time_ns()), rows, empty="there are no keys; make one with: pie key create --role viewer")

        present(client, look, watching=watching, as_json=as_json, wide=wide)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its name, or its id.")],
    as_json: Json = False,
) -> None:
    """Revoke an API key, and those that were made with it: they stop working at once. For example: pie key revoke ci"""
    with connect() as client:
        revoked = client.delete(at("keys", key), dict[str, list[KeyView]])["items"]
    show_done(f"revoked {', '.join(row.name for row in revoked)}", revoked, as_json=as_json)


def columns(now_ns: int) -> Columns[KeyView]:
    return Columns(
        {
            "NAME": lambda row: row.name,
            "ID": lambda row: row.id,
            "KEY": lambda row: f"{row.prefix}…",
            "USER": lambda row: row.user,
            "ROLE": lambda row: row.role,
            "EXPIRES": lambda row: until(row.expires_at_ns, now_ns) if row.expires_at_ns > now_ns else "expired",
            "AGE": lambda row: ago(row.created_at_ns, now_ns),
            "MADE WITH": lambda row: row.made_with,
            "GRANTED BY": lambda row: row.granted_by,
        },
        least=("GRANTED BY", "AGE", "MADE WITH", "KEY"),
    )
