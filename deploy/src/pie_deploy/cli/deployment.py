"""`pie deployment`: what runs."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Literal

import typer

from pie_deploy.cli.client import Client, at, connect
from pie_deploy.cli.completion import backend_names
from pie_deploy.cli.naming import Names, names_of
from pie_deploy.cli.options import TIMEOUT, Json, JsonLines, Timeout, Watch, Wide
from pie_deploy.cli.patience import LOOK_S, patiently, present
from pie_deploy.cli.screen import Columns, Listing, show_facts, show_json, show_line
from pie_deploy.cli.text import ago, described, until, when
from pie_deploy.cli.verbs import noun
from pie_deploy.cli.waiting import wait_until
from pie_deploy.domain.records import Deployment, Event
from pie_deploy.errors import UnreachableError

app = noun("What runs: list, show, wait, events.")

Ref = Annotated[
    str, typer.Argument(metavar="DEPLOYMENT", help="A deployment's id, or its backend's name or id.", autocompletion=backend_names)
]


@app.command("list")
def list_deployments(
    gone: Annotated[bool, typer.Option("--all", help="Also those that are gone.")] = False,
    watching: Watch = False,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """List the deployments. For example: pie deployment list --watch"""
    with connect() as client:

        def look() -> Listing[Deployment]:
            rows = client.items(at("deployments"), Deployment, all=gone or None)
            return Listing(columns(names_of(client), time.time_ns()), rows, empty="nothing is deployed")

        present(client, look, watching=watching, as_json=as_json, wide=wide)


@app.command("show")
def show_deployment(ref: Ref, as_json: Json = False) -> None:
    """Show one deployment. For example: pie deployment show wordcount"""
    with connect() as client:
        row = client.get(at("deployments", ref), Deployment)
        if as_json:
            show_json(row)
        else:
            show_facts(facts(row, names_of(client), time.time_ns()))


@app.command()
def wait(
    ref: Ref,
    status: Annotated[Literal["running", "failed", "gone"], typer.Option("--status", help="Until when.")] = "running",
    timeout: Timeout = TIMEOUT,
    as_json: JsonLines = False,
) -> None:
    """Wait until a deployment runs, and say so; exits with 1 when it fails instead, with 7 when it takes too long.

    For example: pie deployment wait wordcount --timeout 30s
    """
    with connect() as client:
        row = client.get(at("deployments", ref), Deployment)
        wait_until(client, row, status=status, timeout=timeout, as_json=as_json)


@app.command()
def events(
    ref: Ref,
    after: Annotated[int, typer.Option("--after", min=0, metavar="SEQ", help="Only what came after this one.")] = 0,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on, until Ctrl-C.")] = False,
    as_json: JsonLines = False,
) -> None:
    """Show what has happened to a deployment. For example: pie deployment events wordcount --follow"""
    with connect() as client:
        for event in _events(client, ref, after, follow=follow, quiet=as_json):
            if as_json:
                show_line(event)
            else:
                print(event_line(event), flush=True)


def _events(client: Client, ref: str, after: int, *, follow: bool, quiet: bool) -> Iterator[Event]:
    row = client.get(at("deployments", ref), Deployment)
    return _followed(client, row.id, after, quiet=quiet) if follow else _past(client, row.id, after)


def _followed(client: Client, deployment_id: str, after: int, *, quiet: bool) -> Iterator[Event]:
    """Until it is gone, also across restarts of the platform."""
    path = at("deployments", deployment_id)
    while True:
        try:
            for event in client.events(f"{path}/events", Event, after=after):
                after = event.seq
                yield event
            if client.get(path, Deployment).gone_at_ns is not None:
                return
            time.sleep(LOOK_S)
        except UnreachableError as error:
            patiently(client, partial(client.get, path, Deployment), error, quiet=quiet)


def _past(client: Client, deployment_id: str, after: int) -> Iterator[Event]:
    """As many as are asked for; an answer has only so many."""
    while page := client.items(at("audit"), Event, deployment=deployment_id, after=after):
        yield from page
        after = page[-1].seq


def columns(names: Names, now_ns: int) -> Columns[Deployment]:
    return Columns(
        {
            "ID": lambda row: row.id,
            "BACKEND": lambda row: names.backend(row.backend_id),
            "STATUS": lambda row: "gone" if row.gone_at_ns else row.status,
            "READY": lambda row: f"{row.containers_ready}/{row.containers}",
            "RUNTIME": lambda row: names.runtime(row.runtime_id),
            "AGE": lambda row: ago(row.created_at_ns, now_ns),
            "EXPIRES": lambda row: until(row.expires_at_ns, now_ns),
            "DEBUG": lambda row: row.debug,
            "REASON": lambda row: row.status_reason,
        },
        least=("DEBUG", "EXPIRES", "RUNTIME", "AGE"),
    )


def facts(row: Deployment, names: Names, now_ns: int) -> Mapping[str, object]:
    return {
        "Id": row.id,
        "Backend": f"{names.backend(row.backend_id)} ({row.backend_id}) at operation {row.backend_seq}",
        "Runtime": f"{names.runtime(row.runtime_id)} ({row.runtime_id})",
        "Status": f"{'gone' if row.gone_at_ns else row.status} for {ago(row.gone_at_ns or row.status_since_ns, now_ns)}",
        "Reason": row.status_reason,
        "Message": row.status_message,
        "Redeploying": "yes" if row.redeploying else "",
        "Containers": f"{row.containers_ready} of {row.containers} ready",
        "Generation": row.generation,
        "Debug": "yes" if row.debug else "",
        "Created": f"{when(row.created_at_ns)} by {row.created_by}",
        "Running since": when(row.started_at_ns),
        "Expires": when(row.expires_at_ns),
        "At the latest": when(row.hard_deadline_ns),
        "Fixed duration": row.fixed_duration,
        "Lease": row.lease_id,
    }


def event_line(event: Event) -> str:
    return f"{when(event.at_ns)}  {event.type}  {described(event.data)}".rstrip()
