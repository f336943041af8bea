"""All verbs together: they are found, they have help with an example, they end as the table of exits says."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cli_rows as rows
import msgspec
import pytest
from cli_fakes import Answer, FakeApi, run
from typer.testing import CliRunner

from pie_cli.main import app, find_verbs, load
from pie_deploy.cli import VERBS
from pie_deploy.cli.client import ERRORS
from pie_deploy.cli.exits import EXITS, OK
from pie_deploy.config import Home


def commands() -> Iterator[tuple[str, Any]]:
    for name in VERBS:
        command = load(find_verbs()[name].module)
        children = getattr(command, "commands", None)
        yield from ((f"{name} {child}", one) for child, one in children.items()) if children else ((name, command),)


@pytest.mark.parametrize(("name", "command"), [pytest.param(name, one, id=name) for name, one in commands()])
def test_help_says_what_it_does_and_shows_an_example(name: str, command: Any) -> None:
    assert f"pie {name}" in command.help
    assert all(parameter.help for parameter in command.params)


@pytest.mark.parametrize(("name", "command"), [pytest.param(name, one, id=name) for name, one in commands()])
def test_the_example_can_be_called(name: str, command: Any) -> None:
    _, _, example = " ".join(command.help.split()).partition("For example: ")
    _, _, arguments = example.partition(f"pie {name}")
    command.make_context(name, shlex.split(re.split(r"[)|]", arguments)[0]))


@pytest.mark.parametrize(("name", "command"), [pytest.param(name, one, id=name) for name, one in commands()])
def test_every_verb_can_tell_what_it_does_as_json(name: str, command: Any) -> None:
    assert "--json" in [option for parameter in command.params for option in parameter.opts]


def test_what_can_be_waited_for_is_waited_for_in_the_same_words() -> None:
    options = {name: {parameter.name: parameter for parameter in command.params} for name, command in commands()}
    waiting = {name: one for name, one in options.items() if "wait" in one}
    assert set(waiting) == {
        *("up", "down", "backend deploy", "backend redeploy", "backend undeploy"),
        *("lease commit", "lease rollback", "runtime drain"),
    }
    assert all(one["wait"].opts == ["--wait"] and one["wait"].secondary_opts == ["--no-wait"] for one in waiting.values())
    assert all(one["timeout"].help == "How long to wait." for one in waiting.values())


def test_the_document_has_every_exit_status() -> None:
    text = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    assert all(f"\n| {status} | " in text for status in {OK, *EXITS.values()})


def test_the_verbs_of_the_platform_are_those_of_pie() -> None:
    assert set(VERBS) <= set(find_verbs())


def test_every_error_has_an_exit_status() -> None:
    assert set(EXITS) == set(ERRORS)


@pytest.mark.parametrize("arguments", [["status"], ["backend", "list"], ["container", "logs", "c-1"], ["lease", "create"]])
def test_without_a_platform_it_is_said_how_to_start_one(arguments: list[str], home: Home) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (6, "")
    assert ran.err == f"pie: the platform is not up in {home.root}\n  start it with: pie up\n"


@pytest.mark.parametrize(
    ("status", "code", "exit_status"),
    [
        (422, "type_mismatch", 3),
        (409, "graph_locked", 3),
        (404, "not_found", 4),
        (401, "unauthenticated", 5),
        (403, "forbidden", 5),
        (504, "timeout", 7),
        (400, "invalid_argument", 2),
        (500, "internal", 1),
        (418, "made_up_later", 1),
    ],
)
def test_a_refusal_is_told_with_its_reasons(api: FakeApi, status: int, code: str, exit_status: int) -> None:
    detail = {"code": "x", "message": "it is too large", "subject": "count"}
    api.refuse("GET", "/v1/backends/words", status, code, "that cannot be", detail)
    ran = run("backend", "show", "words")
    assert ran.code == exit_status
    assert ran.err == "pie: that cannot be\n  - count: it is too large\n"


@pytest.mark.parametrize("message", ["no", "count: component.yml: no"])
def test_the_only_reason_is_not_told_twice(api: FakeApi, message: str) -> None:
    api.refuse("GET", "/v1/backends/words", 422, "bad_literal", message, {"code": "bad_literal", "message": "no", "subject": "x"})
    assert run("backend", "show", "words").err == f"pie: {message}\n"


def test_what_to_do_is_told_last(api: FakeApi) -> None:
    body = {"error": {"code": "not_found", "message": "there is no backend 'word'", "details": [], "hint": "did you mean words?"}}
    api.answers["GET", "/v1/backends/word"] = [Answer(msgspec.json.encode(body), 404)]
    assert run("backend", "show", "word").err == "pie: there is no backend 'word'\n  did you mean words?\n"


@pytest.mark.parametrize(
    "arguments", ["backend show words", "deployment show words", "lease show words", "file link x --lease words"]
)
def test_programs_get_a_refusal_as_one_object(api: FakeApi, arguments: str) -> None:
    for method, path in (
        ("GET", "backends/words"),
        ("GET", "deployments/words"),
        ("GET", "leases/words"),
        ("POST", "files/x/link"),
    ):
        api.refuse(method, f"/v1/{path}", 404, "not_found", "no", {"code": "x", "message": "why", "subject": "words"})
    ran = run(*arguments.split(), "--json")
    detail = {"code": "x", "message": "why", "subject": "words"}
    assert (ran.code, ran.out) == (4, "")
    assert json.loads(ran.err) == {"error": {"code": "not_found", "message": "no", "details": [detail]}}


@pytest.mark.parametrize(
    "arguments", ["backend nope", "backend show", "status --nope", "container logs c --tail x", "lease wait l -q"]
)
def test_programs_get_a_wrong_call_as_one_object(home: Home, arguments: str) -> None:
    ran = run(*arguments.split(), "--json")
    error = json.loads(ran.err)["error"]
    assert (ran.code, ran.out, error["code"]) == (2, "", "invalid_argument")
    assert error["hint"].startswith("see: ") and error["hint"].endswith(" --help")


def test_of_very_many_reasons_the_first_are_told(api: FakeApi) -> None:
    details = [{"code": "x", "message": f"input 0 of v{number} is not connected"} for number in range(1000)]
    api.refuse("GET", "/v1/backends/words", 422, "graph_incomplete", "incomplete", *details)
    lines = run("backend", "show", "words").err.splitlines()
    assert (len(lines), lines[-1]) == (52, "  and 950 more")


def test_a_refusal_cannot_steer_the_terminal(api: FakeApi) -> None:
    api.refuse("GET", "/v1/backends/words", 404, "not_found", "\x1b[2Jgone")
    assert run("backend", "show", "words").err == "pie:  [2Jgone\n"


def test_an_answer_that_is_no_json_is_told(api: FakeApi) -> None:
    api.on("GET", "/v1/backends", ["not", "a", "listing"])
    ran = run("backend", "list")
    assert ran.code == 1
    assert "does not understand" in ran.err


def test_a_wrong_call_exits_with_2(home: Home) -> None:
    assert run("backend", "nope").code == 2
    assert run("container", "logs").code == 2


def completed(words: str) -> list[str]:
    """What the shell would offer for the last of the words."""
    environment = {"_PIE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    return CliRunner().invoke(app, env=environment, prog_name="pie").stdout.split()


def test_the_shell_completes_verbs() -> None:
    assert "backend" in completed("pie ba")
    assert completed("pie backend unde") == ["undeploy"]


def test_the_shell_completes_names_of_backends(api: FakeApi) -> None:
    api.on_items("/v1/backends", rows.backend("words"), rows.backend("staging"), rows.backend("wordcount"))
    assert completed("pie backend show wo") == ["words", "wordcount"]


def test_the_shell_completes_containers_by_backend_and_vertex(api: FakeApi) -> None:
    api.on_items("/v1/backends", rows.backend("words"), rows.backend("staging"))
    api.on_items("/v1/deployments/words/containers", rows.container("count"), rows.container("tokenise"))
    assert completed("pie container logs wo") == ["words/"]
    assert completed("pie container logs words/to") == ["words/tokenise"]


def test_nothing_is_offered_when_the_platform_is_not_up(home: Home) -> None:
    assert completed("pie backend show wo") == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_starts_without_the_platform(verb: str) -> None:
    """The client is light: it knows the platform's records, not what keeps and serves them."""
    script = f"import sys, pie_deploy.cli.{verb}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"litestar", "sqlalchemy", "uvicorn", "zmq", "psutil", "pie_deploy.services.assembly", "pie_deploy.store", "numpy"}
    assert heavy.isdisjoint(done.stdout.split())
