"""`pie kill`: end a process of a running server."""

from typing import TYPE_CHECKING, Annotated

import typer

from pie.errors import InvalidArgumentError
from pie_cli.operating import ask
from pie_cli.options import PrivateKeyPath, Url, Username

if TYPE_CHECKING:
    from pie_client import PieClient

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def kill(
    process: Annotated[str, typer.Argument(metavar="ID", help="A process, or the beginning of its id, as `pie ps` shows it.")],
    url: Url = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """End a process, whoever's it is. For operators."""
    typer.echo(ask(url, username, private_key_path, lambda client: end(client, process)))


async def end(client: "PieClient", beginning: str) -> str:
    """The id of the process that was ended. Raises `InvalidArgumentError` unless there is exactly one."""
    process_id = only([process.id for process in await client.processes_of_all()], beginning)
    await client.terminate_process(process_id)
    return process_id


def only(ids: list[str], beginning: str) -> str:
    """The id that begins so. Raises `InvalidArgumentError`."""
    found = [process_id for process_id in ids if beginning and process_id.startswith(beginning)]
    if len(found) != 1:
        raise InvalidArgumentError(f"{len(found) or 'no'} processes begin with '{beginning}'; `pie ps` lists them")
    return found[0]
