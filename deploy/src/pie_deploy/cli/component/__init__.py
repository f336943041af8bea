"""`pie component`: made, built, published, promoted."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from pie_deploy.cli.client import at, connect
from pie_deploy.cli.completion import component_names
from pie_deploy.cli.options import Json, JsonErrors, LeaseId, Wide
from pie_deploy.cli.screen import Columns, Listing, say, show, show_done, show_facts, show_json
from pie_deploy.cli.text import ago, joined, size, when
from pie_deploy.cli.verbs import noun
from pie_deploy.domain.manifest import Endpoint
from pie_deploy.domain.records import ComponentVersion
from pie_deploy.errors import StorageError

app = noun("Make, publish and promote components.")

HERE = Path()
Folder = Annotated[Path, typer.Argument(metavar="[FOLDER]", help="The component's folder (default: this one).", show_default=False)]
Ref = Annotated[str, typer.Argument(metavar="COMPONENT", help="A name, name@version, or an id.", autocompletion=component_names)]


@app.command()
def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, '-' and '_'.")],
    folder: Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where (default: ./NAME).")] = None,
    language: Annotated[str, typer.Option("--language", metavar="LANGUAGE", help="py, inferlet or command.")] = "py",
    as_json: Json = False,
) -> None:
    """Make a component to start from; it works as it is. For example: pie component init shout"""
    from pie_deploy.cli.component.starting import make

    made = make(name, folder or Path(name), language)
    if as_json:
        show_json({"name": name, "folder": str(made)})
        return
    if language == "py":
        say(f"try it with: echo '\"hello\"' | pie component test {made}")
    say(f"publish it with: pie component publish {made}")


@app.command()
def build(
    folder: Folder = HERE,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="The archive (default: NAME.tar.gz).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a component and write its archive. For example: pie component build ./tokenise"""
    from pie_deploy.cli.component.publishing import packed

    component = packed(folder)
    target = output or Path(f"{component.name}.tar.gz")
    try:
        target.write_bytes(component.archive)
    except OSError as error:
        raise StorageError(f"{target}: cannot be written: {error.strerror}") from error
    told = f"{target}  {size(len(component.archive))}  {component.content_hash}"
    built = {"path": str(target), "size_bytes": len(component.archive), "content_hash": component.content_hash}
    show_done(told, built, as_json=as_json)


@app.command()
def publish(folder: Folder = HERE, lease: LeaseId = None, as_json: Json = False) -> None:
    """Build a component and publish it as a prerelease, which only you see and deploy.

    For example: pie component publish ./tokenise
    """
    from pie_deploy.cli.component import publishing

    component = publishing.packed(folder)
    with connect() as client:
        version = publishing.publish(client, component, lease)
    show_done(f"{version.id}: {version.name}@{version.version}", version, as_json=as_json)


@app.command()
def promote(
    ref: Annotated[
        str | None,
        typer.Argument(metavar="[COMPONENT]", help="An id, name@version, or a name (default: of the folder here): your newest."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Release a prerelease, for everybody and for good; its id stays. For example: pie component promote tokenise"""
    from pie_deploy.cli.component.packing import read_manifest

    chosen = ref or read_manifest(HERE).name
    with connect() as client:
        version = client.post(at("components", chosen, "promote"), ComponentVersion)
    show_done(f"{version.id}: {version.name}@{version.version} is released", version, as_json=as_json)


@app.command("list")
def list_versions(
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Only of this component.")] = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """List the component versions that you may use. For example: pie component list --name tokenise"""
    with connect() as client:
        rows = client.items(at("components"), ComponentVersion, name=name)
    empty = "there are no components; make one with: pie component init NAME"
    if name is not None:
        empty = f"there is no component {name!r} that you may use; see: pie component list"
    show(Listing(columns(time.time_ns()), rows, empty=empty), as_json=as_json, wide=wide)


@app.command("show")
def show_version(ref: Ref, as_json: Json = False) -> None:
    """Show what a component version takes and gives. For example: pie component show tokenise@1"""
    with connect() as client:
        row = client.get(at("components", ref), ComponentVersion)
    if as_json:
        show_json(row)
        return
    worker = row.manifest.worker
    show_facts(
        {
            "Name": f"{row.name}@{row.version}",
            "Id": row.id,
            "Summary": row.manifest.summary,
            "State": row.state,
            "Language": row.manifest.language,
            "Owner": row.owner,
            "Published": when(row.created_at_ns),
            "Released": when(row.released_at_ns),
            "Lease": row.lease_id,
            "Content": row.content_hash,
            "Inputs": joined(worker.input_types),
            "Outputs": joined(worker.output_types),
            **{f"Parameter {name}": _parameter(one.type, one.default, one.mutable) for name, one in worker.config_schema.items()},
            **{f"File {name}": f"{one.type}{'' if one.required else ', optional'}" for name, one in worker.file_schema.items()},
            **{f"Makes {name}": one.type for name, one in worker.generated_file_schema.items()},
            **{f"Endpoint {name}": _endpoint(one) for name, one in row.manifest.http.items()},
            "Resources": f"{worker.resources.cpu:g} cores, {worker.resources.memory}",
        }
    )


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def test(context: typer.Context, folder: Folder = HERE, as_json: JsonErrors = False) -> None:
    """Run a component here, without the platform: a line of JSON per message on stdin, one per value on stdout.

    Further arguments are the harness's: python -m pie_component test --help.
    For example: echo '"a b"' | pie component test ./tokenise
    """
    command = [sys.executable, "-P", "-m", "pie_component", "test", str(folder), *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def columns(now_ns: int) -> Columns[ComponentVersion]:
    return Columns(
        {
            "NAME": lambda row: row.name,
            "VERSION": lambda row: row.version,
            "STATE": lambda row: row.state,
            "ID": lambda row: row.id,
            "LANGUAGE": lambda row: row.manifest.language,
            "OWNER": lambda row: row.owner,
            "AGE": lambda row: ago(row.created_at_ns, now_ns),
            "LEASE": lambda row: row.lease_id,
            "SUMMARY": lambda row: row.manifest.summary,
        },
        least=("LEASE", "OWNER", "LANGUAGE", "AGE", "SUMMARY"),
        texts=("SUMMARY",),
    )


def _endpoint(one: Endpoint) -> str:
    return f"{one.direction} {one.type}, {joined(one.transports)}"


def _parameter(kind: str, default: str | None, mutable: bool) -> str:
    return kind + (", required" if default is None else f" = {default}") + (", mutable" if mutable else "")
