"""`pie status`: what is up, what runs, what is wrong."""

import time

import msgspec

from pie_deploy.cli import deployment, runtime
from pie_deploy.cli.client import Client, at, connect
from pie_deploy.cli.naming import Names
from pie_deploy.cli.options import Json, Wide
from pie_deploy.cli.screen import Listing, say, show, show_facts, show_json
from pie_deploy.cli.text import ago
from pie_deploy.cli.verbs import Verb, verb
from pie_deploy.config.address import Address
from pie_deploy.config.target import Target, target
from pie_deploy.domain.records import Backend, Deployment, Runtime

app = verb()


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What there is, in one piece."""

    api_url: str
    address: Address | None
    """None: it is somebody else's."""
    runtimes: list[Runtime]
    deployments: list[Deployment]
    backends: list[Backend]


@app.command(cls=Verb)
def status(wide: Wide = False, as_json: Json = False) -> None:
    """Show the platform: where it answers, its runtimes, what is deployed and what is wrong. Exits with 6 when it is not up.

    For example: pie status
    """
    chosen = target()
    with connect(chosen) as client:
        seen = look(client, chosen)
    if as_json:
        show_json(seen)
    else:
        tell(seen, time.time_ns(), wide=wide)


def look(client: Client, chosen: Target) -> Status:
    return Status(
        api_url=chosen.url,
        address=chosen.address,
        runtimes=client.items(at("runtimes"), Runtime),
        deployments=client.items(at("deployments"), Deployment),
        backends=client.items(at("backends"), Backend),
    )


def tell(seen: Status, now_ns: int, *, wide: bool = False) -> None:
    address = seen.address
    names = Names({row.id: row.name for row in seen.backends}, {row.id: row.name for row in seen.runtimes})
    show_facts(
        {
            "API": seen.api_url,
            "Gateway": address.gateway_url if address else "",
            "Up": f"for {ago(address.started_at_ns, now_ns)}, pid {address.pid}" if address else "",
            "Backends": len(seen.backends),
        }
    )
    print()
    show(Listing(runtime.columns(now_ns), seen.runtimes, empty="there are no runtimes"), as_json=False, wide=wide)
    print()
    show(Listing(deployment.columns(names, now_ns), seen.deployments, empty="nothing is deployed"), as_json=False, wide=wide)
    for row in seen.deployments:
        if (wrong := trouble(row)) is not None:
            say(f"{names.backend(row.backend_id)} ({row.id}) {wrong}")


def trouble(row: Deployment) -> str | None:
    """What is wrong with a deployment."""
    if row.status == "failed":
        return f"has failed: {row.status_message or row.status_reason}"
    if row.status == "running" and row.containers_ready < row.containers:
        return f"has containers that are not ready: {row.containers_ready} of {row.containers} are"
    return None
