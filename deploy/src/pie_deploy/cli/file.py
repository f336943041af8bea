"""`pie file`: files that vertices are bound to, and those that deployments have made."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from pie_deploy.cli.client import Client, at, chunks, connect
from pie_deploy.cli.completion import file_names
from pie_deploy.cli.options import Json, LeaseId, Wide
from pie_deploy.cli.screen import Columns, Listing, say, show, show_done, show_json
from pie_deploy.cli.text import ago, size
from pie_deploy.cli.verbs import noun
from pie_deploy.domain.records import File
from pie_deploy.errors import AlreadyExistsError, InvalidArgumentError, StorageError

app = noun("Files that are bound to vertices.")

Ref = Annotated[
    str, typer.Argument(metavar="FILE", help="A file's id, or its name: then the newest one.", autocompletion=file_names)
]


@app.command()
def upload(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it (default: its name here).")] = None,
    file_type: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="Which slots it fits: their manifest's `type`, or `any`.")
    ] = "any",
    lease: LeaseId = None,
    as_json: Json = False,
) -> None:
    """Upload a file and print its id. For example: pie file upload stopwords.txt --type text"""
    if not path.is_file():
        raise InvalidArgumentError(f"{path}: there is no such file")
    with connect() as client:
        row = client.upload(at("files"), File, chunks(path), name=name or path.name, type=file_type, lease=lease)
    show_done(f"{row.id}: {row.name}, {size(row.size_bytes)}", row, as_json=as_json)


@app.command("list")
def list_files(wide: Wide = False, as_json: Json = False) -> None:
    """List the files. For example: pie file list"""
    with connect() as client:
        listing = Listing(columns(time.time_ns()), client.items(at("files"), File), empty="there are no files")
    show(listing, as_json=as_json, wide=wide)


@app.command()
def link(
    ref: Ref,
    lease: Annotated[str, typer.Option("--lease", metavar="ID", help="The lease that shall own it.")],
    as_json: Json = False,
) -> None:
    """Let a lease own a file that was just uploaded and belongs to no lease. For example: pie file link cat.png --lease l-…"""
    with connect() as client:
        row = client.post(at("files", ref, "link"), File, {"lease": lease})
    show_done(f"{row.id}: {row.name} belongs to {row.lease_id}", row, as_json=as_json)


@app.command()
def download(
    ref: Ref,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="Where to (default: its name); - is stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also over a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Download a file. For example: pie file download report -o report.txt"""
    with connect() as client:
        row = client.get(at("files", ref), File)
        if str(output) == "-":
            client.download(at("files", row.id, "content"), sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        name = Path(row.name).name or row.id
        target = output / name if output is not None and output.is_dir() else output or Path(name)
        if target.exists() and not force:
            raise AlreadyExistsError(f"{target} is there already; take it anyway with --force")
        save(client, row, target)
    if as_json:
        show_json({"path": str(target), "file": row})
    else:
        say(f"{target}: {size(row.size_bytes)}")


def save(client: Client, row: File, target: Path) -> None:
    """The whole file or nothing. Raises StorageError."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            client.download(at("files", row.id, "content"), file)
        aside.replace(target)
    except OSError as error:
        raise StorageError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)


def columns(now_ns: int) -> Columns[File]:
    return Columns(
        {
            "ID": lambda row: row.id,
            "NAME": lambda row: row.name,
            "TYPE": lambda row: row.file_type,
            "SIZE": lambda row: size(row.size_bytes),
            "AGE": lambda row: ago(row.created_at_ns, now_ns),
            "LEASE": lambda row: row.lease_id,
            "MADE BY": lambda row: row.generated_by,
        },
        least=("LEASE", "MADE BY", "AGE", "TYPE"),
    )
