"""`pie reload`: let a running server read its configuration again."""

import json

import typer

from pie_cli.operating import ask
from pie_cli.options import Json, PrivateKeyPath, Url, Username

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def reload(url: Url = None, username: Username = None, private_key_path: PrivateKeyPath = None, as_json: Json = False) -> None:
    """Read the configuration file again. Limits, routes, log level and grace take effect at once. For operators."""
    keys = ask(url, username, private_key_path, lambda client: client.reload_config())
    typer.echo(json.dumps(keys) if as_json else "\n".join(keys) or "✓ nothing that can change while running has changed")
