"""`bakery registry`: runs a registry, and what its administrator does. The server's libraries are imported when needed."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bakery.console import give, give_json, reporting, say, width
from bakery.environment import bakery_home, database_url
from bakery.errors import ToolchainError
from bakery.limits import ORPHAN_AGE_S, TOKEN_DAYS_MAX
from bakery.tables import table

if TYPE_CHECKING:
    from bakery.registry.application import Application
    from bakery.registry.records import IssuedToken

_DAY_S = 86_400

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME (default: BAKERY_DATABASE, or SQLite in bakery's home).",
    ),
]
Artifacts = Annotated[
    str | None,
    typer.Option(metavar="PATH|URL", help="Where components lie: a folder or any fsspec URL (default: in bakery's home)."),
]


class _TokenGroup(TyperGroup):
    """`token USER` is `token issue USER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["issue", *args]
        return super().parse_args(ctx, args)


registry_app = typer.Typer(help="Run a registry of your own.", no_args_is_help=True)
token_app = typer.Typer(
    cls=_TokenGroup,
    no_args_is_help=True,
    help="Tokens of users: `token USER [--admin] [--expires DAYS]` issues one, `token list`, `token revoke ID`.",
)
registry_app.add_typer(token_app, name="token")


@registry_app.command("serve")
def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: a free one.")] = 8090,
    database: Database = None,
    artifacts: Artifacts = None,
    public_url: Annotated[
        str, typer.Option(help="How clients reach it through a proxy of yours, e.g. https://registry.example.org.")
    ] = "",
    tls_cert: Annotated[str, typer.Option(help="Certificate chain (PEM file), for https. Needs --tls-key.")] = "",
    tls_key: Annotated[str, typer.Option(help="The certificate's private key (PEM file).")] = "",
) -> None:
    """Serve a registry until told to stop."""
    with reporting(), _needs_libraries():
        from bakery.registry.server import Endpoint, listen, serve, url_of

        if bool(tls_cert) != bool(tls_key):
            raise typer.BadParameter("--tls-cert and --tls-key need each other")
        endpoint = Endpoint(host, port, tls_cert, tls_key, behind_proxy=bool(public_url))
        application = _application(database, artifacts, public_url)
        listening = listen(endpoint)
        say(f"registry at {public_url or url_of(endpoint, listening)}")
        if not (_is_loopback(host) or tls_cert or public_url):
            say("Warning: not encrypted; tokens can be read on the way (--tls-cert, or a proxy and --public-url)")
        serve(application.asgi, endpoint, listening)


@registry_app.command("gc")
def gc_command(
    database: Database = None,
    artifacts: Artifacts = None,
    older_than_s: Annotated[float, typer.Option(min=0, help="Only artifacts older than that, in seconds.")] = ORPHAN_AGE_S,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Remove expired uploads and components of no version. The server does it too, every few minutes."""
    with reporting(), _needs_libraries(), _opened(database, artifacts) as application:
        from bakery.registry.sweep import sweep

        swept = sweep(application.store, application.artifacts, time.time(), older_than_s)
        if json:
            give_json(swept)
        else:
            say(f"removed {swept.uploads} uploads and {swept.artifacts} artifacts, {swept.freed_bytes / 1e6:.1f} MB")


@token_app.command("issue")
def issue_command(
    user: Annotated[str, typer.Argument(help="Who it is for; made if new.")],
    admin: Annotated[bool, typer.Option("--admin", help="It may also yank what belongs to others.")] = False,
    expires: Annotated[int | None, typer.Option(metavar="DAYS", min=1, max=TOKEN_DAYS_MAX, help="Valid for so many days.")] = None,
    database: Database = None,
) -> None:
    """Issue a token: printed once, on stdout."""
    with reporting(), _needs_libraries(), _opened(database) as application:
        now_s = time.time()
        expires_s = None if expires is None else now_s + expires * _DAY_S
        token = application.accounts.issue(user, now_s, administrator=admin, expires_s=expires_s)
        give(token)
        if sys.stderr.isatty():
            say(f"{user} uses it with `bakery login`; nobody can see it again")


@token_app.command("list")
def list_command(database: Database = None, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List tokens. The tokens themselves are not kept."""
    with reporting(), _needs_libraries(), _opened(database) as application:
        tokens = application.accounts.tokens()
        if json:
            give_json(tokens)
        else:
            now_s = time.time()
            titles = ("id", "user", "token", "issued", "expires", "rights", "state")
            for line in table(titles, [_row(token, now_s) for token in tokens], width()):
                give(line)


@token_app.command("revoke")
def revoke_command(
    id_: Annotated[int, typer.Argument(metavar="ID", help="As `token list` shows it.")], database: Database = None
) -> None:
    """Make a token invalid at once."""
    with reporting(), _needs_libraries(), _opened(database) as application:
        application.accounts.revoke(id_, time.time())
        say(f"token {id_} is revoked")


def _row(token: "IssuedToken", now_s: float) -> tuple[str, ...]:
    expires = "never" if token.expires_s is None else _day(token.expires_s)
    state = "valid" if token.is_valid(now_s) else "revoked" if token.revoked_s is not None else "expired"
    rights = "administrator" if token.is_administrator else ""
    return str(token.id), token.login, f"{token.hint}…", _day(token.created_s), expires, rights, state


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _application(database: str | None, artifacts: str | None, public_url: str = "") -> "Application":
    from bakery.registry.application import Application, Options

    folder = bakery_home() / "registry"
    url = database or database_url() or f"sqlite:///{folder / 'registry.db'}"
    return Application(url, artifacts or str(folder / "artifacts"), Options(public_url=public_url))


@contextmanager
def _opened(database: str | None, artifacts: str | None = None) -> Iterator["Application"]:
    application = _application(database, artifacts)
    try:
        yield application
    finally:
        application.close()


@contextmanager
def _needs_libraries() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise ToolchainError(f"a registry needs more libraries ({error.name}): pip install 'bakery[registry]'") from error


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
