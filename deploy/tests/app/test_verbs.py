"""The verbs against a real control plane, whose containers are none: what the API says is what the client understands."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest
from cli_fakes import Ran, run
from platform_fakes import config_for_tests, short_home

from pie_deploy.app import Platform
from pie_deploy.config import HOME_VARIABLE, Home

DOCUMENT = """\
name: words
description: Says it louder.
vertices:
  shout: {component: ./shout}
  again: {component: ./shout, parameters: {mark: '"?"'}}
edges: [shout -> again]
aliases: {shout.text: text, again.result: answer}
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """With a platform up, on an event loop of its own."""
    with short_home() as home:
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever)
        thread.start()
        platform = Platform(home, config_for_tests())
        asyncio.run_coroutine_threadsafe(platform.start(), loop).result(60)
        try:
            yield home
        finally:
            asyncio.run_coroutine_threadsafe(platform.stop(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document and the component that it mentions."""
    folder = tmp_path_factory.mktemp("words")
    assert run("component", "init", "shout", "-o", folder / "shout").code == 0
    (folder / "backend.yml").write_text(DOCUMENT)
    return folder


@pytest.fixture
def pie(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """A verb that succeeds."""
    monkeypatch.setenv(HOME_VARIABLE, str(home.root))

    def succeeding(*arguments: str | Path) -> Ran:
        ran = run(*arguments)
        assert ran.code == 0, ran
        return ran

    return succeeding


def listed(ran: Ran) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(ran.out)
    return rows


def test_from_a_folder_to_a_url_and_back(pie: Callable[..., Ran], folder: Path) -> None:
    said = pie("backend", "apply", folder / "backend.yml")
    assert said.out.splitlines()[0].startswith("✓ words is made (b-")
    assert pie("backend", "apply", folder / "backend.yml").err == "pie: words is what the file says\n"
    assert pie("backend", "deploy", "words", "--wait").out.endswith(" is running\n")
    assert [row["state"] for row in listed(pie("container", "list", "--deployment", "words", "--json"))] == ["ready", "ready"]
    assert pie("backend", "redeploy", "words", "--wait").out.endswith(" is running\n")
    assert "2/2" in pie("deployment", "list").out
    assert "container.ready" in pie("deployment", "events", "words").out
    assert "started" in pie("container", "logs", "words/shout").out
    assert "words" in pie("status").out
    assert pie("backend", "undeploy", "words", "--wait").out.endswith(" is gone\n")
    assert listed(pie("deployment", "list", "--json")) == []
    assert len(listed(pie("deployment", "list", "--all", "--json"))) == 1


def test_urls_outlive_deployments(pie: Callable[..., Ran], folder: Path) -> None:
    pie("backend", "apply", folder / "backend.yml")
    rows = listed(pie("backend", "endpoints", "words", "--json"))
    assert [row["role"] for row in rows] == ["answer", "text"]
    assert httpx.post(str(rows[1]["url"]), content=b"x").status_code == 404


def test_a_graph_is_edited_step_by_step(pie: Callable[..., Ran], folder: Path) -> None:
    published = json.loads(pie("component", "publish", folder / "shout", "--json").out)
    pie("component", "promote", published["id"])
    pie("backend", "create", "steps")
    pie("backend", "add-vertex", "steps", "a", "--component", f"shout@{published['version']}", "--set", 'mark="?"')
    pie("backend", "add-vertex", "steps", "b", "--component", published["id"])
    pie("backend", "connect", "steps", "a", "b")
    pie("backend", "change-parameter", "steps", "b", "mark", '"."')
    pie("backend", "change-endpoint-alias", "steps", "b", "result", "out")
    pie("backend", "disconnect", "steps", "a.out0", "b.in0")
    pie("backend", "undo", "steps", "2")
    pie("backend", "describe", "steps", "By hand.")
    out = pie("backend", "show", "steps").out
    assert "a.out0" in out
    assert "By hand." in out
    assert "out   b.result" not in out
    assert len(listed(pie("backend", "operations", "steps", "--json"))) == 9
    pie("backend", "compact", "steps")
    pie("backend", "fork", "steps", "copy")
    assert "their graphs are the same" in pie("backend", "diff", "copy", "steps").err
    pie("backend", "delete", "copy", "--yes")


def test_what_is_exported_can_be_applied_under_another_name(pie: Callable[..., Ran], folder: Path, tmp_path: Path) -> None:
    pie("backend", "apply", folder / "backend.yml")
    pie("backend", "export", "words", "-o", tmp_path / "words.yml")
    assert "again" in pie("backend", "apply", tmp_path / "words.yml", "--name", "copied", "--dry-run").out
    pie("backend", "apply", tmp_path / "words.yml", "--name", "copied")
    assert "their graphs are the same" in pie("backend", "diff", "copied", "words").err


def test_a_dry_run_says_what_then_happens(pie: Callable[..., Ran], folder: Path) -> None:
    would = pie("backend", "apply", folder / "backend.yml", "--name", "dry", "--dry-run").out.splitlines()
    did = pie("backend", "apply", folder / "backend.yml", "--name", "dry").out.splitlines()
    assert [line.split()[:3] for line in would[1:]] == [line.split("  ", 1)[1].split()[:3] for line in did[1:]]


def test_files_come_and_go(pie: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes(bytes(range(256)) * 20_000)
    row = json.loads(pie("file", "upload", tmp_path / "words.txt", "--type", "text", "--json").out)
    assert row["size_bytes"] == 5_120_000
    pie("file", "download", row["id"], "-o", tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "words.txt").read_bytes()
    assert "words.txt" in pie("file", "list").out


def test_leases_own_what_is_made_in_them(pie: Callable[..., Ran], folder: Path) -> None:
    lease = json.loads(pie("lease", "create", "--label", "try", "--json").out)["id"]
    pie("component", "publish", folder / "shout", "--lease", lease)
    pie("backend", "apply", folder / "backend.yml", "--name", "leased", "--lease", lease)
    pie("backend", "deploy", "leased", "--lease", lease)
    assert pie("lease", "wait", lease).out.endswith(" is running\n")
    assert "leased" in pie("lease", "show", lease).out
    pie("lease", "rollback", lease)
    assert lease in pie("lease", "list", "--all").out


def test_runtimes_are_made_and_closed(pie: Callable[..., Ran]) -> None:
    pie("runtime", "create", "small", "--cpu", "1", "--memory", "1GiB", "--launcher", "fake", "--ceiling", "1h")
    pie("runtime", "lock", "small")
    assert "locked" in pie("runtime", "list").out
    pie("runtime", "unlock", "small")
    pie("runtime", "drain", "small")
    assert "draining" in pie("runtime", "show", "small").out
    pie("runtime", "undrain", "small")


def test_types_are_shown(pie: Callable[..., Ran]) -> None:
    assert "Image" in pie("type", "list").out
    assert "Maybe<" in pie("type", "show", "Maybe").out


def test_refusals_have_their_exit_status(pie: Callable[..., Ran]) -> None:
    pie("backend", "create", "empty")
    assert run("backend", "show", "none").code == 4
    assert run("backend", "create", "empty").code == 3
    assert run("backend", "create", "No Name").code in (2, 3)
    assert run("backend", "deploy", "empty", "--wait").code == 3
    assert run("deployment", "wait", "empty").code == 4
