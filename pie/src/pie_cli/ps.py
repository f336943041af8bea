"""`pie ps`: the processes of a running server."""

import json

import typer
from msgspec import to_builtins

from pie_cli.operating import ask
from pie_cli.options import Json, PrivateKeyPath, Url, Username
from pie_cli.top_figures import duration

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SHORT_ID_LENGTH = 8


@app.command()
def ps(url: Url = None, username: Username = None, private_key_path: PrivateKeyPath = None, as_json: Json = False) -> None:
    """List the processes of all users. For operators."""
    processes = ask(url, username, private_key_path, lambda client: client.processes_of_all())
    if as_json:
        typer.echo(json.dumps([to_builtins(process) for process in processes], indent=2, ensure_ascii=False))
        return
    rows = [
        (
            process.id[:SHORT_ID_LENGTH],
            process.username,
            process.program,
            process.state,
            duration(process.elapsed_secs),
            f"{process.tokens}",
        )
        for process in processes
    ]
    for line in table([("ID", "USER", "PROGRAM", "STATE", "AGE", "TOKENS"), *rows]):
        typer.echo(line)


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows with columns as wide as they have to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
