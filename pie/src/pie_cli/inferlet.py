"""`pie inferlet`: the programs that are installed here, and what the registry says about others."""

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pie_cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from pie.programs.store import Store
    from pie.programs.target import Target
    from pie_wire.manifest import Manifest

app = typer.Typer(
    help="List, describe and remove installed programs.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@app.command("list")
def list_programs(config_path: ConfigPath = None, as_json: Json = False) -> None:
    """List what is installed: uploads for everybody, what came from the registry, uploads of each user."""
    store, _ = _store(config_path)
    rows = [
        {"name": record.head.name, "version": record.head.version, "of": whose, "size_bytes": record.head.component_bytes}
        for whose, shelf in store.shelves()
        for record in shelf.programs()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(_printable(f"{row['name']}@{row['version']}  {row['of']}  {int(str(row['size_bytes'])) / 1e6:.1f} MB"))
    if not rows:
        typer.echo("no programs are installed", err=True)


@app.command()
def info(
    target: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="A program, installed or in the registry.")],
    config_path: ConfigPath = None,
) -> None:
    """Describe a program: what it is for, and its parameters."""
    from pie.programs.target import Target

    store, registry = _store(config_path)
    wanted = Target.parse(target)
    typer.echo("\n".join(_described(_manifest(store, registry, wanted))))


@app.command()
def remove(
    target: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="As `pie inferlet list` shows it.")],
    user: Annotated[str | None, typer.Option("--user", help="A user's upload, instead of what everybody has.")] = None,
    config_path: ConfigPath = None,
) -> None:
    """Remove a program. What runs goes on."""
    from pie.errors import ProgramNotFoundError
    from pie.programs.store import SHARED
    from pie.programs.target import Target

    store, _ = _store(config_path)
    wanted = Target.parse(target)
    if wanted.version is None:
        raise typer.BadParameter("which version? NAME@major.minor.patch")
    shelves = [store.shelf(user or SHARED), *([store.pulled] if store.pulled and user is None else [])]
    for shelf in shelves:
        record = shelf.find(wanted.name, wanted.version)
        if record is not None:
            shelf.remove(record)
            typer.echo(f"✓ removed {wanted}")
            return
    raise ProgramNotFoundError(f"{wanted} is not installed{f' by {user}' if user else ''}; see: pie inferlet list")


def _store(config_path: "ConfigPath") -> "tuple[Store, str]":
    """And the registry's address."""
    from pie.config import file, home
    from pie.programs.store import Store

    here = home.from_environment()
    registry = file.load(here, config_path).server.registry
    return Store(here.programs, registry), registry


def _manifest(store: "Store", registry: str, wanted: "Target") -> "Manifest":
    """Of what is installed, else of what the registry has, else of an example."""
    from pie.programs import bundled, resolve

    for _, shelf in store.shelves():
        record = shelf.find(wanted.name, wanted.version)
        stored = shelf.read(record) if record else None
        if stored is not None:
            return stored.manifest
    found = asyncio.run(_in_registry(registry, wanted)) if registry else None
    return found or resolve.manifest_of(bundled.source(wanted.name, bundled.folder()) / "Pie.toml")


async def _in_registry(url: str, wanted: "Target") -> "Manifest | None":
    from pie.programs.registry import Registry
    from pie_wire.manifest import parse

    registry = Registry(url)
    try:
        releases = await registry.releases(wanted.name)
        if releases is None:
            return None
        release = releases.by_version.get(wanted.version) if wanted.version else releases.latest
        return parse(await registry.manifest(wanted.name, release)) if release else None
    finally:
        await registry.close()


def _described(manifest: "Manifest") -> Iterator[str]:
    """Lines for people. A manifest is a stranger's: nothing in it may steer the terminal."""
    package = manifest.package
    yield f"{manifest.id}"
    yield from (_printable(text) for text in (package.description, package.repository) if text)
    for name, parameter in manifest.parameters.items():
        optional = ", optional" if parameter.optional else ""
        yield _printable(f"  --{name.replace('_', '-')}  {parameter.type}{optional}  {parameter.description}".rstrip())


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
