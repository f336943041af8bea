"""The commands that talk to a registry: login, logout, publish, search, info, yank."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bakery.build import build
from bakery.console import give, give_json, reporting, say, width
from bakery.environment import bakery_home, registry_url
from bakery.errors import LoginError, ProjectError, RegistryRefusalError
from bakery.limits import PER_PAGE_DEFAULT, PER_PAGE_MAX, TOKEN_CHARACTERS_MAX
from bakery.logins import checked_url, is_safe_for_tokens, read_logins, write_logins
from bakery.project import MANIFEST
from bakery.publish import Publication, publication, publish
from bakery.registry_client import ListedProgram, ListedVersion, RegistryClient, printable
from bakery.tables import table
from pie_wire.manifest import is_version

_UNAUTHENTICATED = 401

Registry = Annotated[
    str | None, typer.Option("--registry", metavar="URL", help="Which registry (default: BAKERY_REGISTRY, or the last login's).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def login_command(
    registry: Registry = None,
    token: Annotated[str | None, typer.Option(help="The token; without it, it is read from stdin or asked for.")] = None,
) -> None:
    """Log in to a registry with a token from its administrator."""
    with reporting():
        home = bakery_home()
        url = _registry(registry)
        given = _checked_token(token if token is not None else _ask_for_token(url))
        _warn_if_readable(url)
        with RegistryClient(url, given) as client:
            me = client.me()
        write_logins(home, read_logins(home).with_login(url, given))
        say(f"logged in to {url} as {printable(me.login)}{' (administrator)' if me.is_superuser else ''}")


def logout_command(registry: Registry = None) -> None:
    """Forget the token for a registry. It stays valid until it expires or is revoked."""
    with reporting():
        home, url = bakery_home(), _registry(registry)
        logins = read_logins(home)
        if url not in logins.tokens:
            raise LoginError(f"not logged in to {url}")
        write_logins(home, logins.without(url))
        say(f"logged out of {url}")


def publish_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The program's folder; it is built if needed.")] = Path(),
    path: Annotated[Path | None, typer.Option("-p", "--path", metavar="WASM", help="A component built elsewhere.")] = None,
    manifest: Annotated[Path | None, typer.Option("-m", "--manifest", metavar="TOML", help="Its Pie.toml.")] = None,
    scoped: Annotated[bool, typer.Option("--scoped", help="Publish as YOU/NAME: a name that nobody else can take.")] = False,
    registry: Registry = None,
    json: Json = False,
) -> None:
    """Publish a version of a program. It can be yanked, but never changed."""
    with reporting(), _client(registry, needs_token=True) as client:
        scope = client.me().login if scoped else ""
        program = _publication(folder, path, manifest, scope)
        with _progress(program) as sent:
            published = publish(client, program, sent)
        if json:
            give_json({"registry": client.url, **program.fields})
        else:
            give(f"{published.name}@{published.version}")
            say(f"published at {client.url}")


def search_command(
    query: Annotated[str, typer.Argument(help="Part of a name or description; nothing lists everything.")] = "",
    page: Annotated[int, typer.Option("-p", "--page", min=1)] = 1,
    per_page: Annotated[int, typer.Option("--per-page", min=1, max=PER_PAGE_MAX)] = PER_PAGE_DEFAULT,
    registry: Registry = None,
    json: Json = False,
) -> None:
    """Find programs."""
    with reporting(), _client(registry) as client:
        found = client.search(query, page, per_page)
    if json:
        give_json(found)
    elif not found.items:
        say("nothing found")
    else:
        rows = [(item.name, item.latest_version or "-", str(item.downloads), item.description or "") for item in found.items]
        for line in table(("name", "version", "downloads", "description"), [tuple(map(printable, row)) for row in rows], width()):
            give(line)
        say(f"page {found.page} of {found.pages}, {found.total} in all")


def info_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A program, NAME or USER/NAME.")],
    registry: Registry = None,
    json: Json = False,
) -> None:
    """Show a program: its versions, parameters, owner."""
    with reporting(), _client(registry) as client:
        program = client.info(name)
    if json:
        give_json(program)
    else:
        for line in _info(program):
            give(line)


def yank_command(
    target: Annotated[str, typer.Argument(metavar="NAME@VERSION")],
    undo: Annotated[bool, typer.Option("--undo", help="Show it again.")] = False,
    registry: Registry = None,
    json: Json = False,
) -> None:
    """Hide a version from search and from bare names. Who asks for exactly this version still gets it."""
    with reporting():
        name, _, version = target.rpartition("@")
        if not name or not is_version(version):
            raise ProjectError(f"{target}: must be NAME@major.minor.patch")
        with _client(registry, needs_token=True) as client:
            yanked = client.yank(name, version, undo=undo)
        if json:
            give_json(yanked)
        else:
            say(f"{yanked.name}@{yanked.version} is {'yanked' if yanked.yanked else 'listed again'}")


def _registry(given: str | None) -> str:
    url = given or registry_url() or read_logins(bakery_home()).registry
    if not url:
        raise LoginError("which registry? `--registry URL`, BAKERY_REGISTRY=URL, or `bakery login --registry URL` once")
    return checked_url(url)


@contextmanager
def _client(registry: str | None, *, needs_token: bool = False) -> Iterator[RegistryClient]:
    url = _registry(registry)
    token = read_logins(bakery_home()).tokens.get(url) if needs_token else None
    if needs_token and token is None:
        raise LoginError(f"not logged in to {url}: bakery login --registry {url}")
    with RegistryClient(url, token) as client:
        try:
            yield client
        except RegistryRefusalError as error:
            if error.status == _UNAUTHENTICATED:
                raise LoginError(f"{url} refuses the token: {error}") from error
            raise


def _ask_for_token(url: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(f"Token for {url}", hide_input=True, err=True))
    return sys.stdin.readline(TOKEN_CHARACTERS_MAX + 2)


def _checked_token(text: str) -> str:
    token = text.strip()
    if not token or len(token) > TOKEN_CHARACTERS_MAX or not token.isascii() or not token.isprintable() or " " in token:
        raise LoginError("that is no token: ask the registry's administrator for one (`bakery registry token USER`)")
    return token


def _warn_if_readable(url: str) -> None:
    if not is_safe_for_tokens(url):
        say(f"Warning: {url} is not encrypted; others on the network can read your token")


def _publication(folder: Path, path: Path | None, manifest: Path | None, scope: str) -> Publication:
    if path is not None:
        return publication(path.read_bytes(), manifest or path.parent / MANIFEST, scope)
    if not folder.is_dir():
        raise ProjectError(f"{folder}: must be a program's folder (or give --path and --manifest)")
    return publication(build(folder, progress=say).wasm, manifest or folder / MANIFEST, scope)


@contextmanager
def _progress(program: Publication) -> Iterator[Callable[[int], None]]:
    """A bar if somebody watches."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    label = f"{program.name}@{program.manifest.package.version}  {len(program.wasm) / 1e6:.1f} MB"
    with typer.progressbar(length=len(program.wasm), label=label, file=sys.stderr) as bar:
        yield bar.update


def _info(program: ListedProgram) -> Iterator[str]:
    yield f"{printable(program.name)}  {program.downloads} downloads" + (
        f", by {printable(program.owner)}" if program.owner else ""
    )
    shown = next((version for version in program.versions if not version.yanked), None)
    if shown is not None:
        yield from _described(shown)
    yield ""
    rows = [_version_row(version) for version in program.versions]
    yield from table(("version", "published", "size", "checksum", ""), rows, width())


def _described(version: ListedVersion) -> Iterator[str]:
    for text in (version.description, version.repository):
        if text:
            yield printable(text)
    if version.parameters:
        yield ""
        rows = [
            (name, parameter.type, "optional" if parameter.optional else "", parameter.description or "")
            for name, parameter in version.parameters.items()
        ]
        yield from table(("parameter", "type", "", "description"), [tuple(map(printable, row)) for row in rows], width())


def _version_row(version: ListedVersion) -> tuple[str, ...]:
    size = f"{version.size_bytes / 1e6:.1f} MB"
    yanked = "yanked" if version.yanked else ""
    return tuple(map(printable, (version.num, version.created_at[:10], size, version.checksum[:12], yanked)))


def add_to(app: typer.Typer) -> None:
    """The commands, and the older form `bakery inferlet …`."""
    older = typer.Typer(help="The older form of search, info and publish.", no_args_is_help=True)
    both: dict[str, Callable[..., None]] = {"search": search_command, "info": info_command, "publish": publish_command}
    new: dict[str, Callable[..., None]] = {"login": login_command, "logout": logout_command, "yank": yank_command}
    for name, command in both.items():
        older.command(name)(command)
    for name, command in (new | both).items():
        app.command(name)(command)
    app.add_typer(older, name="inferlet")
