"""`pie model`: the models on this machine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from pie.config.config import EMBEDDED_MODEL
from pie.errors import PieError
from pie_cli.options import Json

app = typer.Typer(help="List, download and remove models.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A model as it is listed."""

    name: str
    architecture: str
    is_supported: bool
    size_bytes: int
    folder: str


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models on this machine: pie-tiny, and what was downloaded from Hugging Face."""
    entries = [*_embedded(), *_downloaded()]
    if as_json:
        keys = ("name", "architecture", "is_supported", "size_bytes", "folder")
        typer.echo(json.dumps([{key: getattr(entry, key) for key in keys} for entry in entries], indent=2))
    else:
        typer.echo("\n".join(_lines(entries)) or "no models; get one with: pie model download Qwen/Qwen3-0.6B")


@app.command()
def download(
    repository: Annotated[str, typer.Argument(metavar="REPO", help="A Hugging Face repository, as in Qwen/Qwen3-0.6B.")],
    everything: Annotated[bool, typer.Option("--all", help="Also files that Pie has no use for.")] = False,
) -> None:
    """Download a model from Hugging Face."""
    from pie.model.downloads import ARCHITECTURES
    from pie.model.downloads import download as fetch
    from pie.model.model import read_config

    folder = fetch(repository, everything=everything)
    typer.echo(folder)
    architecture = read_config(folder).architecture
    if architecture not in ARCHITECTURES:
        typer.echo(f"pie: the torch driver does not run {architecture}; it runs {', '.join(ARCHITECTURES)}", err=True)


@app.command()
def remove(
    repository: Annotated[str, typer.Argument(metavar="REPO", help="As `pie model list` shows it.")],
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a downloaded model."""
    from pie.model.downloads import remove as delete

    if not yes and not typer.confirm(f"Delete {repository}?", err=True):
        raise typer.Exit(1)
    typer.echo(f"freed {_size(delete(repository))}", err=True)


def _embedded() -> list[Entry]:
    from pie.model.model import read_config
    from pie.model.sources import embedded

    try:
        folder = embedded()
        architecture = read_config(folder).architecture
    except PieError:
        return []
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return [Entry(EMBEDDED_MODEL, architecture, True, size, str(folder))]


def _downloaded() -> list[Entry]:
    from pie.model.downloads import downloaded

    return [
        Entry(model.repository, model.architecture, model.is_supported, model.size_bytes, str(model.folder))
        for model in downloaded()
    ]


def _lines(entries: Sequence[Entry]) -> list[str]:
    width = max((len(entry.name) for entry in entries), default=0)
    return [
        f"{'✓' if entry.is_supported else '○'} {entry.name:{width}}  {_size(entry.size_bytes):>8}  {_kind(entry)}"
        for entry in entries
    ]


def _kind(entry: Entry) -> str:
    if entry.is_supported:
        return entry.architecture
    return f"unsupported: {entry.architecture}" if entry.architecture else "no language model, or incomplete"


def _size(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count = count // 1000
    return f"{count:.0f} GB"
