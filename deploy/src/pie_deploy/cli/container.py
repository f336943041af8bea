"""`pie container`: the containers of deployments, and what they say."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated

import typer

from pie_deploy.cli.client import Client, at, connect
from pie_deploy.cli.completion import backend_names, container_names
from pie_deploy.cli.naming import names_of
from pie_deploy.cli.options import Json, JsonLines, Watch, Wide
from pie_deploy.cli.patience import LOOK_S, patiently, present
from pie_deploy.cli.screen import Columns, Listing, show_facts, show_json, show_line
from pie_deploy.cli.text import ago, printable, when
from pie_deploy.cli.verbs import noun
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.records import Container, Deployment
from pie_deploy.domain.suggestion import hint
from pie_deploy.errors import NotFoundError, UnreachableError
from pie_deploy.ports.launcher import LogLine

app = noun("The containers of a deployment and their logs.")

Ref = Annotated[
    str,
    typer.Argument(
        metavar="CONTAINER",
        help="A container's id, or DEPLOYMENT/VERTEX, such as wordcount/tokenise.",
        autocompletion=container_names,
    ),
]


ERROR_CHARACTERS = 80
"""Of an error in a table; `pie container show` has all of it."""


@app.command("list")
def list_containers(
    deployment: Annotated[
        str | None,
        typer.Option(
            "--deployment",
            metavar="DEPLOYMENT",
            help="Only of this one: its id, or its backend's name or id.",
            autocompletion=backend_names,
        ),
    ] = None,
    watching: Watch = False,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """List the containers of all deployments, or of one. For example: pie container list --deployment wordcount --watch"""
    with connect() as client:

        def look() -> Listing[Container]:
            if deployment is not None:
                rows = client.items(at("deployments", deployment, "containers"), Container)
                return Listing(columns(time.time_ns()), rows, empty="it has no containers")
            backends = backends_by_deployment(client)
            rows = sorted(everywhere(client), key=lambda row: (backends.get(row.deployment_id, ""), row.generation, row.vertex))
            return Listing(columns(time.time_ns(), backends), rows, empty="nothing is deployed")

        present(client, look, watching=watching, as_json=as_json, wide=wide)


@app.command("show")
def show_container(ref: Ref, as_json: Json = False) -> None:
    """Show one container. For example: pie container show wordcount/tokenise"""
    with connect() as client:
        row = find(client, ref)
    if as_json:
        show_json(row)
        return
    now_ns = time.time_ns()
    show_facts(
        {
            "Id": row.id,
            "Vertex": row.vertex,
            "Deployment": f"{row.deployment_id}, generation {row.generation}",
            "State": row.state,
            "Node": row.node_id,
            "Process": row.pid,
            "Started": when(row.started_at_ns),
            "Ready": when(row.ready_at_ns),
            "Restarts": row.restarts,
            "Next try in": ago(now_ns, row.retry_at_ns) if row.retry_at_ns else "",
            "Exit code": row.exit_code,
            "Last error": row.last_error,
            "Configuration": f"operation {row.config_seq_applied} of {row.config_seq_wanted}" if row.config_seq_wanted else "",
            "Configuration error": row.config_error,
            "Ports": ", ".join(f"{name} {port}" for name, port in row.ports.items()),
        }
    )


@app.command()
def logs(
    ref: Ref,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on, until Ctrl-C.")] = False,
    since: Annotated[str | None, typer.Option("--since", metavar="DURATION", help="Only the last DURATION, such as 10m.")] = None,
    tail: Annotated[int | None, typer.Option("-n", "--tail", min=0, metavar="LINES", help="Only the last LINES.")] = None,
    timestamps: Annotated[bool, typer.Option("-t", "--timestamps", help="With the time of each line.")] = False,
    as_json: JsonLines = False,
) -> None:
    """Show what a container has written. For example: pie container logs -f wordcount/tokenise"""
    since_ns = None if since is None else time.time_ns() - parse_duration(since)
    with connect() as client:
        container = find(client, ref)
        ask = partial(followed, quiet=as_json) if follow else log_lines
        for line in ask(client, container.id, since_ns=since_ns, tail=tail):
            if as_json:
                show_line(line)
            else:
                print(log_text(line, timestamps=timestamps), flush=True)


def followed(
    client: Client, container_id: str, *, since_ns: int | None = None, tail: int | None = None, quiet: bool = False
) -> Iterator[LogLine]:
    """As long as the container is there, also across restarts of the platform."""
    path = at("containers", container_id)
    while True:
        try:
            for line in log_lines(client, container_id, follow=True, since_ns=since_ns, tail=tail):
                since_ns, tail = line.at_ns + 1, None
                yield line
            if client.get(path, Container).state == "exited":
                return
            time.sleep(LOOK_S)  # it waits for a restart, or the platform goes down
        except UnreachableError as error:
            patiently(client, lambda: client.get(path, Container), error, quiet=quiet)
        except NotFoundError:
            return


def log_lines(
    client: Client, container_id: str, *, follow: bool = False, since_ns: int | None = None, tail: int | None = None
) -> Iterator[LogLine]:
    path = at("containers", container_id, "logs")
    return client.lines(path, LogLine, follow=follow or None, since=since_ns, tail=tail)


def log_text(line: LogLine, *, timestamps: bool) -> str:
    """A line as people read it: tabs stay, what steers a terminal goes."""
    text = "\t".join(map(printable, line.text.split("\t")))
    marked = f"[platform] {text}" if line.stream == "platform" else text
    return f"{when(line.at_ns)}  {marked}" if timestamps else marked


def find(client: Client, ref: str) -> Container:
    """By id, or by deployment and vertex. Raises NotFoundError."""
    deployment, slash, vertex = ref.partition("/")
    if not slash:
        return _by_id(client, ref)
    rows = client.items(at("deployments", deployment, "containers"), Container)
    found = [row for row in rows if row.vertex == vertex]
    if not found:
        names = hint(vertex, dict.fromkeys(row.vertex for row in rows))
        raise NotFoundError(f"{deployment} has no container for a vertex {vertex!r}", hint=names)
    return max(found, key=lambda row: (row.generation, row.created_at_ns))


def _by_id(client: Client, ref: str) -> Container:
    try:
        return client.get(at("containers", ref), Container)
    except NotFoundError as error:
        told = "say which: DEPLOYMENT/VERTEX, such as wordcount/tokenise, or an id of `pie container list`"
        raise NotFoundError(error.message, error.details, error.hint or told) from error


def everywhere(client: Client) -> Iterator[Container]:
    """Of all deployments; an answer has only so many."""
    after: str | None = None
    while page := client.items(at("containers"), Container, after=after):
        yield from page
        after = page[-1].id


def backends_by_deployment(client: Client) -> dict[str, str]:
    """Names of backends by ids of deployments."""
    names = names_of(client)
    return {row.id: names.backend(row.backend_id) for row in client.items(at("deployments"), Deployment)}


def columns(now_ns: int, backends: Mapping[str, str] | None = None) -> Columns[Container]:
    """backends: names by ids of deployments, where containers of several are shown."""
    backend = {} if backends is None else {"BACKEND": lambda row: backends.get(row.deployment_id, row.deployment_id)}
    return Columns(
        {
            "ID": lambda row: row.id,
            **backend,
            "VERTEX": lambda row: row.vertex,
            "STATE": lambda row: row.state,
            "NODE": lambda row: row.node_id,
            "PID": lambda row: row.pid,
            "RESTARTS": lambda row: row.restarts,
            "EXIT": lambda row: row.exit_code,
            "AGE": lambda row: ago(row.created_at_ns, now_ns),
            "ERROR": lambda row: (row.last_error or row.config_error)[:ERROR_CHARACTERS],
        },
        least=("PID", "NODE", "EXIT", "AGE", "RESTARTS"),
        texts=("ERROR",),
    )
