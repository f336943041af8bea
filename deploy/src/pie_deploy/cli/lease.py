"""`pie lease`: scopes for short-lived runs and live tests."""

import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from pie_deploy.cli import container, live_test
from pie_deploy.cli.client import Client, at, connect, given
from pie_deploy.cli.options import TIMEOUT, Json, RuntimeRef, Timeout, Wait, Watch, Wide
from pie_deploy.cli.patience import present
from pie_deploy.cli.screen import Columns, Listing, say, show, show_done, show_facts, show_json
from pie_deploy.cli.text import ago, span, when
from pie_deploy.cli.verbs import noun
from pie_deploy.cli.waiting import failure, poll_until, reached
from pie_deploy.domain.records import Container, Deployment, Lease, Runtime
from pie_deploy.errors import InvalidArgumentError
from pie_deploy.ports.launcher import LogLine
from pie_deploy.services.views import LeaseView

app = noun("Scopes for short-lived runs and live tests.")

app.command()(live_test.run)

Id = Annotated[str, typer.Argument(metavar="LEASE", help="A lease's id.")]
CLOSING = ("committing", "rolling_back")
HEARTBEATS_PER_TTL = 3
"""So that two may be late before the lease is over."""


@app.command()
def create(
    runtime: RuntimeRef = None,
    ttl: Annotated[str, typer.Option("--ttl", metavar="DURATION", help="How long it lives when nobody keeps it alive.")] = "15m",
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Open a lease; what is made with --lease belongs to it until it is committed or rolled back.

    For example: pie lease create --ttl 30m --label "try the new scorer"
    """
    with connect() as client:
        row = client.post(at("leases"), Lease, given({"ttl": ttl, "label": label, "runtime": runtime}))
    show_done(f"{row.id}: open for {span(row.ttl_ns)}", row, as_json=as_json)


@app.command("list")
def list_leases(
    closed: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    watching: Watch = False,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """List the leases. For example: pie lease list --all"""
    with connect() as client:

        def look() -> Listing[Lease]:
            runtimes = {row.id: row.name for row in client.items(at("runtimes"), Runtime)}
            rows = client.items(at("leases"), Lease, all=closed or None)
            return Listing(columns(runtimes, time.time_ns()), rows, empty="there are no leases")

        present(client, look, watching=watching, as_json=as_json, wide=wide)


@app.command("show")
def show_lease(lease: Id, as_json: Json = False) -> None:
    """Show a lease and everything that it owns. For example: pie lease show l-…"""
    with connect() as client:
        view = client.get(at("leases", lease), LeaseView)
    if as_json:
        show_json(view)
    else:
        tell(view)


@app.command()
def debug(
    lease: Id,
    tail: Annotated[int, typer.Option("-n", "--tail", min=0, metavar="LINES", help="Of each container's log.")] = 10,
    as_json: Json = False,
) -> None:
    """Show all that helps to find out what went wrong in a lease: what it owns, its containers, what they said last.

    For example: pie lease debug l-… --tail 50
    """
    with connect() as client:
        view = client.get(at("leases", lease), LeaseView)
        if as_json:
            show_json(_debugged(client, view, tail))
            return
        tell(view)
        for deployment in view.deployments:
            print(f"\n{deployment.id} is {deployment.status}: {deployment.status_message or deployment.status_reason or 'fine'}\n")
            rows = client.items(at("deployments", deployment.id, "containers"), Container)
            show(Listing(container.columns(time.time_ns()), rows, empty="it has no containers"), as_json=False)
            for row in rows:
                for line in container.log_lines(client, row.id, tail=tail):
                    print(f"{row.vertex} | {container.log_text(line, timestamps=True)}", flush=True)


class Debugged(msgspec.Struct, frozen=True):
    """A lease, and what its containers said last."""

    lease: LeaseView
    containers: list[Container]
    logs: dict[str, list[LogLine]]
    """By container."""


def _debugged(client: Client, view: LeaseView, tail: int) -> Debugged:
    rows = [row for one in view.deployments for row in client.items(at("deployments", one.id, "containers"), Container)]
    return Debugged(view, rows, {row.id: list(container.log_lines(client, row.id, tail=tail)) for row in rows})


@app.command()
def wait(
    lease: Id,
    timeout: Timeout = TIMEOUT,
    as_json: Json = False,
) -> None:
    """Keep a lease alive until its deployment runs; exits with 1 when that fails, with 7 when it takes too long.

    For example: pie lease wait l-… --timeout 2m
    """
    with connect() as client:
        row = running_deployment(client, lease, timeout, quiet=as_json)
    show_done(f"{row.id} is running", row, as_json=as_json)


@app.command()
def promote(
    lease: Id,
    resources: Annotated[
        list[str], typer.Argument(metavar="RESOURCE...", help="Ids, names of backends and files, or name@version.")
    ],
    with_deps: Annotated[bool, typer.Option("--with-deps", help="And whatever they refer to.")] = False,
    as_json: Json = False,
) -> None:
    """Take things out of a lease, to keep them whatever becomes of it. For example: pie lease promote l-… scorer@4 --with-deps"""
    with connect() as client:
        view = client.post(at("leases", lease, "promote"), LeaseView, {"resources": resources, "with_deps": with_deps})
    show_done(f"{', '.join(resources)} will stay", view, as_json=as_json)


@app.command()
def commit(lease: Id, wait: Wait = False, timeout: Timeout = TIMEOUT, as_json: Json = False) -> None:
    """Close a lease and keep what it owns, but for its deployment. For example: pie lease commit l-… --wait"""
    _close(lease, "commit", wait=wait, timeout=timeout, as_json=as_json)


@app.command()
def rollback(lease: Id, wait: Wait = False, timeout: Timeout = TIMEOUT, as_json: Json = False) -> None:
    """Close a lease and discard what it owns. For example: pie lease rollback l-… --wait"""
    _close(lease, "rollback", wait=wait, timeout=timeout, as_json=as_json)


@app.command("set-result")
def set_result(
    lease: Id,
    result: Annotated[str, typer.Argument(metavar="JSON", help='An object, such as \'{"verdict": "passed"}\'.')],
    as_json: Json = False,
) -> None:
    """Attach a verdict to a lease, also after its end. For example: pie lease set-result l-… '{"verdict": "passed"}'"""
    try:
        body = msgspec.json.decode(result, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise InvalidArgumentError(f"the result is not a JSON object: {error}") from error
    with connect() as client:
        row = client.post(at("leases", lease, "result"), Lease, body)
    show_done(f"{row.id} has a result", row, as_json=as_json)


def _close(lease: str, how: str, *, wait: bool, timeout: str, as_json: bool) -> None:
    with connect() as client:
        row = client.post(at("leases", lease, how), Lease)
        if wait and row.state in CLOSING:
            if not as_json:
                say(f"{row.id} is {_words(row)}")
            row = poll_until(
                client,
                lambda: client.get(at("leases", lease), LeaseView).lease,
                lambda seen: seen.state not in CLOSING,
                timeout,
                lambda seen: f"{seen.id} is still {_words(seen)}",
                quiet=as_json,
            )
    show_done(f"{row.id} is {_words(row)}", row, as_json=as_json)


def _words(row: Lease) -> str:
    return row.state.replace("_", " ")


def running_deployment(client: Client, lease: str, timeout: str, *, quiet: bool = False) -> Deployment:
    """The lease's deployment once it runs; the lease is kept alive meanwhile. Raises DeploymentFailedError, DeadlineError and
    LeaseClosedError.
    """
    beat_at = 0.0

    def look() -> Sequence[Deployment]:
        nonlocal beat_at
        if time.monotonic() >= beat_at:
            row = client.post(at("leases", lease, "heartbeat"), Lease)
            beat_at = time.monotonic() + row.ttl_ns / 1e9 / HEARTBEATS_PER_TTL
        deployments = client.get(at("leases", lease), LeaseView).deployments
        failed = next((one for one in deployments if one.status == "failed"), None)
        if failed is not None and not any(map(_runs, deployments)):
            raise failure(client, failed)
        return deployments

    def late(deployments: Sequence[Deployment]) -> str:
        states = ", ".join(f"{one.id} is {one.status}" for one in deployments) or "it has no deployment"
        return f"nothing runs in {lease}, {states},"

    found = poll_until(client, look, lambda seen: any(map(_runs, seen)), timeout, late, quiet=quiet)
    return next(filter(_runs, found))


def _runs(deployment: Deployment) -> bool:
    return reached(deployment, "running")


def columns(runtimes: dict[str, str], now_ns: int) -> Columns[Lease]:
    return Columns(
        {
            "ID": lambda row: row.id,
            "STATE": lambda row: row.state,
            "LABEL": lambda row: row.label,
            "OWNER": lambda row: row.owner,
            "RUNTIME": lambda row: runtimes.get(row.runtime_id or "", row.runtime_id),
            "LIVES FOR": lambda row: span(row.ttl_ns),
            "HEARTBEAT": lambda row: ago(row.heartbeat_at_ns, now_ns),
            "WHY": lambda row: row.reason,
        },
        least=("LIVES FOR", "RUNTIME", "OWNER", "HEARTBEAT", "LABEL"),
        texts=("LABEL",),
    )


def tell(view: LeaseView) -> None:
    """A lease and what it owns."""
    row = view.lease
    show_facts(
        {
            "Id": row.id,
            "State": row.state,
            "Label": row.label,
            "Owner": row.owner,
            "Runtime": row.runtime_id,
            "Lives for": span(row.ttl_ns),
            "Last heartbeat": when(row.heartbeat_at_ns),
            "Opened": when(row.created_at_ns),
            "Closed": when(row.closed_at_ns),
            "Why": row.reason,
            "Result": row.result,
            "Components": ", ".join(f"{one.name}@{one.version} ({one.id})" for one in view.versions),
            "Backends": ", ".join(f"{one.name} ({one.id})" for one in view.backends),
            "Deployments": ", ".join(f"{one.id}, {one.status}" for one in view.deployments),
            "Files": ", ".join(f"{one.name} ({one.id})" for one in view.files),
        }
    )
