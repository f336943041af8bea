"""The verbs that let a backend run, or end it."""

from typing import Annotated

import typer

from pie_deploy.cli.backend.arguments import backend_or_deployment
from pie_deploy.cli.client import Client, at, connect, given
from pie_deploy.cli.completion import backend_names
from pie_deploy.cli.options import TIMEOUT, Json, RuntimeRef, Timeout, Wait
from pie_deploy.cli.screen import say, show_done
from pie_deploy.cli.waiting import wait_until
from pie_deploy.domain.records import Deployment

app = typer.Typer()

Ref = Annotated[
    str | None,
    typer.Argument(metavar="[BACKEND]", help="A backend's name or id.", autocompletion=backend_names, show_default=False),
]
DeploymentId = Annotated[str | None, typer.Option("--deployment", metavar="ID", help="The deployment, instead of its backend.")]
Debug = Annotated[bool, typer.Option("--debug", help="Keep more of what containers write; slower to start.")]


@app.command()
def deploy(
    backend: Annotated[
        str, typer.Argument(metavar="BACKEND", help="A backend's name or id.", autocompletion=backend_names, show_default=False)
    ],
    runtime: RuntimeRef = None,
    debug: Debug = False,
    fixed_duration: Annotated[
        str | None,
        typer.Option("--fixed-duration", metavar="DURATION", help="End it then, such as 90m or 1h30m; no extension."),
    ] = None,
    startup_timeout: Annotated[
        str | None, typer.Option("--startup-timeout", metavar="DURATION", help="It fails when not running by then (default: 5m).")
    ] = None,
    lease: Annotated[str | None, typer.Option("--lease", metavar="ID", help="The lease that shall own the deployment.")] = None,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT,
    as_json: Json = False,
) -> None:
    """Run a backend: every vertex becomes a container. Refused before anything starts when it cannot be as a whole.

    For example: pie backend deploy wordcount --wait
    """
    body = {
        "runtime": runtime,
        "debug": debug,
        "fixed_duration": fixed_duration,
        "startup_timeout": startup_timeout,
        "lease": lease,
    }
    with connect() as client:
        row = client.post(at("backends", backend, "deployment"), Deployment, given(body))
        _tell(client, row, "accepted", status="running", wait=wait, timeout=timeout, as_json=as_json)


@app.command()
def redeploy(
    backend: Ref = None,
    deployment: DeploymentId = None,
    runtime: RuntimeRef = None,
    debug: Annotated[
        bool | None, typer.Option("--debug/--no-debug", help="Keep more of what containers write (default: as it is).")
    ] = None,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT,
    as_json: Json = False,
) -> None:
    """Replace the containers by fresh ones of the backend as it is now; the URLs stay. With --runtime, move there.

    For example: pie backend redeploy wordcount --wait
    """
    ref = backend_or_deployment(backend, deployment)
    with connect() as client:
        row = client.post(at("deployments", ref, "redeploy"), Deployment, given({"runtime": runtime, "debug": debug}))
        _tell(client, row, "is being replaced", status="running", wait=wait, timeout=timeout, as_json=as_json)


@app.command()
def undeploy(
    backend: Ref = None,
    deployment: DeploymentId = None,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT,
    as_json: Json = False,
) -> None:
    """Tear a deployment down. The URLs stay, and answer 404 until the next one runs.

    For example: pie backend undeploy wordcount
    """
    ref = backend_or_deployment(backend, deployment)
    with connect() as client:
        row = client.delete(at("deployments", ref), Deployment)
        _tell(client, row, "is being torn down", status="gone", wait=wait, timeout=timeout, as_json=as_json)


def _tell(client: Client, row: Deployment, told: str, *, status: str, wait: bool, timeout: str, as_json: bool) -> None:
    if not wait:
        show_done(f"{row.id} {told}", row, as_json=as_json)
        return
    if not as_json:
        say(f"{row.id} {told}")
    wait_until(client, row, status=status, timeout=timeout, as_json=as_json)
