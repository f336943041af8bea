"""`pie runtime`: where deployments run."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from pie_deploy.cli.client import at, connect, given
from pie_deploy.cli.completion import runtime_names
from pie_deploy.cli.options import TIMEOUT, Json, Timeout, Wait, Watch, Wide
from pie_deploy.cli.patience import present
from pie_deploy.cli.screen import Columns, Listing, say, show_done, show_facts, show_json
from pie_deploy.cli.text import joined, size, span, until, when
from pie_deploy.cli.verbs import noun
from pie_deploy.cli.waiting import poll_until
from pie_deploy.domain.quantity import parse_bytes
from pie_deploy.domain.records import Deployment, Node, Runtime

app = noun("Where deployments run: list, create, lock, drain.")

Ref = Annotated[str, typer.Argument(metavar="RUNTIME", help="A runtime's name or id.", autocompletion=runtime_names)]


@app.command("list")
def list_runtimes(watching: Watch = False, wide: Wide = False, as_json: Json = False) -> None:
    """List the runtimes and what they have. For example: pie runtime list"""
    with connect() as client:

        def look() -> Listing[Runtime]:
            return Listing(columns(time.time_ns()), client.items(at("runtimes"), Runtime), empty="there are no runtimes")

        present(client, look, watching=watching, as_json=as_json, wide=wide)


@app.command("show")
def show_runtime(ref: Ref, as_json: Json = False) -> None:
    """Show one runtime. For example: pie runtime show local"""
    with connect() as client:
        row = client.get(at("runtimes", ref), Runtime)
    if as_json:
        show_json(row)
        return
    show_facts(
        {
            "Id": row.id,
            "Name": row.name,
            "Launcher": row.launcher,
            "State": state(row),
            "Class": joined(row.labels),
            "Longest deployment": span(row.ceiling_ns) if row.ceiling_ns else "",
            "Ends": when(row.expires_at_ns),
            "Crash budget": f"{row.crash_budget} restarts of a container in {span(row.crash_window_ns)}",
            "Created": when(row.created_at_ns),
            **{f"Node {node.id}": f"{node.cpu:g} cores, {size(node.memory_bytes)}, {node.gpu} GPUs" for node in row.nodes},
        }
    )


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    cpu: Annotated[float, typer.Option("--cpu", metavar="CORES", help="Cores to give away.")],
    memory: Annotated[str, typer.Option("--memory", metavar="SIZE", help="Memory to give away, such as 4GiB.")],
    gpu: Annotated[int, typer.Option("--gpu", min=0, help="GPUs to give away.")] = 0,
    launcher: Annotated[str, typer.Option("--launcher", metavar="NAME", help="What starts containers.")] = "process",
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="LABEL", help="Its class; may be repeated (default: cpu).")
    ] = None,
    ceiling: Annotated[str | None, typer.Option("--ceiling", metavar="DURATION", help="Longest life of a deployment.")] = None,
    expires: Annotated[str | None, typer.Option("--expires", metavar="DURATION", help="When it ends, from now.")] = None,
    as_json: Json = False,
) -> None:
    """Make a runtime of this machine. For example: pie runtime create small --cpu 1 --memory 2GiB --ceiling 24h"""
    body = {
        "name": name,
        "launcher": launcher,
        "labels": label or ["cpu"],
        "nodes": [{"cpu": cpu, "memory_bytes": parse_bytes(memory), "gpu": gpu}],
        "ceiling": ceiling,
        "expires": expires,
    }
    with connect() as client:
        row = client.post(at("runtimes"), Runtime, given(body))
    show_done(f"{row.id}: {row.name}", row, as_json=as_json)


def _change(ref: str, change: str, told: str, *, as_json: bool) -> None:
    with connect() as client:
        row = client.post(at("runtimes", ref, change), Runtime)
    show_done(f"{row.name} {told}", row, as_json=as_json)


@app.command()
def lock(ref: Ref, as_json: Json = False) -> None:
    """Take no new deployments; those that run go on. For example: pie runtime lock local"""
    _change(ref, "lock", "takes no new deployments", as_json=as_json)


@app.command()
def unlock(ref: Ref, as_json: Json = False) -> None:
    """Take new deployments again. For example: pie runtime unlock local"""
    _change(ref, "unlock", "takes deployments", as_json=as_json)


@app.command()
def drain(ref: Ref, wait: Wait = False, timeout: Timeout = TIMEOUT, as_json: Json = False) -> None:
    """Take no new deployments and tear down those that run. For example: pie runtime drain local --wait"""
    if not wait:
        _change(ref, "drain", "is being emptied", as_json=as_json)
        return
    with connect() as client:
        row = client.post(at("runtimes", ref, "drain"), Runtime)
        if not as_json:
            say(f"{row.name} is being emptied")

        def left() -> list[Deployment]:
            return [one for one in client.items(at("deployments"), Deployment) if one.runtime_id == row.id]

        def late(there: list[Deployment]) -> str:
            return f"{row.name} still has {', '.join(one.id for one in there)}"

        poll_until(client, left, lambda there: not there, timeout, late, quiet=as_json)
    show_done(f"{row.name} is empty", row, as_json=as_json)


@app.command()
def undrain(ref: Ref, as_json: Json = False) -> None:
    """Take new deployments again; what was torn down stays down. For example: pie runtime undrain local"""
    _change(ref, "undrain", "takes deployments", as_json=as_json)


def columns(now_ns: int) -> Columns[Runtime]:
    return Columns(
        {
            "NAME": lambda row: row.name,
            "ID": lambda row: row.id,
            "LAUNCHER": lambda row: row.launcher,
            "STATE": state,
            "CLASS": lambda row: joined(row.labels),
            "NODES": lambda row: len(row.nodes),
            "CPU": lambda row: f"{sum(node.cpu for node in row.nodes):g}",
            "MEMORY": lambda row: size(total_memory(row.nodes)),
            "GPU": lambda row: sum(node.gpu for node in row.nodes),
            "CEILING": lambda row: span(row.ceiling_ns) if row.ceiling_ns else "-",
            "EXPIRES": lambda row: until(row.expires_at_ns, now_ns),
        },
        least=("CEILING", "EXPIRES", "NODES", "LAUNCHER", "CLASS", "GPU"),
    )


def state(row: Runtime) -> str:
    if any(node.lost_since_ns is not None for node in row.nodes):
        return "lost"
    return "draining" if row.draining else "locked" if row.locked else "open"


def total_memory(nodes: Sequence[Node]) -> int:
    return sum(node.memory_bytes for node in nodes)
