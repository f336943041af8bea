"""`pie type`: the catalogue of named types."""

from typing import Annotated

import typer

from pie_deploy.cli.client import at, connect
from pie_deploy.cli.completion import type_names
from pie_deploy.cli.options import Json, Wide
from pie_deploy.cli.screen import Columns, Listing, show, show_facts, show_json
from pie_deploy.cli.verbs import noun
from pie_deploy.services.views import TypeView

app = noun("The catalogue of types.")


def headed(view: TypeView) -> str:
    """`Maybe<t>`."""
    return f"{view.name}<{', '.join(view.parameters)}>" if view.parameters else view.name


COLUMNS: Columns[TypeView] = Columns(
    {
        "NAME": headed,
        "DEFINITION": lambda row: row.definition or "(built in)",
        "DESCRIPTION": lambda row: row.description,
    },
    least=("DESCRIPTION",),
    texts=("DEFINITION", "DESCRIPTION"),
)


@app.command("list")
def list_types(wide: Wide = False, as_json: Json = False) -> None:
    """List the named types. For example: pie type list"""
    with connect() as client:
        show(Listing(COLUMNS, client.items(at("types"), TypeView)), as_json=as_json, wide=wide)


@app.command("show")
def show_type(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `pie type list` shows it.", autocompletion=type_names)],
    as_json: Json = False,
) -> None:
    """Show what a named type stands for. For example: pie type show Image"""
    with connect() as client:
        view = client.get(at("types", name), TypeView)
    if as_json:
        show_json(view)
    else:
        show_facts({"Name": headed(view), "Definition": view.definition or "(built in)", "Description": view.description})
