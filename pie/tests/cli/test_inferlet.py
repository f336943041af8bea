import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pie.programs.program_file import Content
from pie.programs.store import SHARED, Store
from pie_cli.main import app
from pie_wire.manifest import parse

MANIFEST = (
    '[package]\nname = "hello"\nversion = "0.1.0"\ndescription = "Greets\\u001b[31m people"\n'
    '[parameters]\nwhom_to = { type = "string", optional = true, description = "who" }\n'
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("PIE_HOME", str(tmp_path))
    return Store(tmp_path / "programs")


def put(store: Store, owner: str, text: str = MANIFEST) -> None:
    store.shelf(owner).put(Content.of(parse(text).id, text, b"component"))


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["inferlet", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_programs_are_listed_with_their_owners(store: Store) -> None:
    put(store, SHARED)
    put(store, "Åsa/../x")
    rows = json.loads(run("list", "--json")[1])
    assert [(row["name"], row["version"], row["of"]) for row in rows] == [
        ("hello", "0.1.0", "shared"),
        ("hello", "0.1.0", "user Åsa/../x"),
    ]
    assert run("list")[1].splitlines()[0] == "hello@0.1.0  shared  0.0 MB"


@pytest.mark.usefixtures("store")
def test_nothing_installed_is_said_on_stderr() -> None:
    assert run("list") == (0, "", "no programs are installed\n")


def test_a_program_is_described_and_steers_no_terminal(store: Store) -> None:
    put(store, SHARED)
    assert run("info", "hello")[1].splitlines() == ["hello@0.1.0", "Greets [31m people", "  --whom-to  string, optional  who"]


@pytest.mark.usefixtures("store")
def test_an_example_is_described_too() -> None:
    assert run("info", "text-completion")[1].startswith("text-completion@0.1.0\n")


def test_a_program_is_removed_where_it_was_asked_for(store: Store) -> None:
    put(store, SHARED)
    put(store, "alice")
    assert run("remove", "hello@0.1.0", "--user", "alice")[:2] == (0, "✓ removed hello@0.1.0\n")
    assert store.find(SHARED, "hello", "0.1.0") is not None
    assert run("remove", "hello@0.1.0", "--user", "alice")[0] == 1
    assert run("remove", "hello@0.1.0")[0] == 0
    assert store.find(SHARED, "hello", "0.1.0") is None


@pytest.mark.usefixtures("store")
def test_what_to_remove_is_named_exactly() -> None:
    assert run("remove", "hello")[0] == 2
    assert run("remove", "../x@0.1.0")[0] == 1
