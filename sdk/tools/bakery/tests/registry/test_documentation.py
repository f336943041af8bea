"""docs/registry.md: its table has every route, its commands run as written."""

import asyncio
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakery.registry.api import PREFIX
from bakery.registry.application import Application
from bakery.registry.refusals import STATUS
from bakery.registry.server import Endpoint, listen, server, url_of

ROOT = Path(__file__).parents[5]
TEXT = (ROOT / "docs" / "registry.md").read_text()
README = (ROOT / "sdk" / "tools" / "bakery" / "README.md").read_text()
PATIENCE_S = 120


def routes(application: Application) -> set[str]:
    """`GET /inferlets/{name}`: every call that there is."""
    calls: set[str] = set()
    for route in application.asgi.routes:
        path, methods = getattr(route, "path", ""), getattr(route, "methods", set())
        if path.startswith(PREFIX) and "{scope}" not in path:
            calls |= {f"{method} {path.removeprefix(PREFIX)}" for method in methods - {"HEAD"}}
    return calls


def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    application = Application(f"sqlite:///{tmp_path / 'registry.db'}", str(tmp_path))
    documented = set(re.findall(r"`((?:GET|PUT|POST|DELETE) /[^`?]*)", TEXT)) - {"GET /healthz"}
    assert documented == routes(application)
    application.close()


def test_every_status_is_in_the_table() -> None:
    assert {int(status) for status in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)} == {*STATUS.values(), 503}


def commands(block: int) -> list[tuple[str, str]]:
    """Of a console block: each command, and what it shows on stdout or stderr."""
    parts = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)[block].split("$ ")[1:]
    return [(line.partition("#")[0].strip(), shown.strip()) for line, _, shown in (part.partition("\n") for part in parts)]


@pytest.mark.slow
def test_the_way_from_nothing_to_a_published_program_works_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKERY_HOME", str(tmp_path))
    monkeypatch.delenv("BAKERY_REGISTRY", raising=False)
    (tmp_path / "inferlets").symlink_to(ROOT / "inferlets")

    def run(command: str) -> str:
        line = re.sub(r"^bakery", f"{shlex.quote(sys.executable)} -m bakery", command)
        done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout + done.stderr

    (issue, _), (serve, _) = commands(0)
    run(issue)
    assert serve == "bakery registry serve"
    folder = tmp_path / "registry"
    application = Application(f"sqlite:///{folder / 'registry.db'}", str(folder / "artifacts"))
    with_server(application, lambda url: [_check(run, command, shown, url) for command, shown in commands(1)])


def _check(run: Callable[[str], str], command: str, shown: str, url: str) -> None:
    here = "http://127.0.0.1:8090"
    assert shown.replace(here, url) in run(command.replace(here, url))


def with_server(application: Application, use: Callable[[str], Any]) -> None:
    endpoint = Endpoint(port=0)
    listening = listen(endpoint)
    running = server(application.asgi, endpoint)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])))
    thread.start()
    try:
        use(url_of(endpoint, listening))
    finally:
        running.should_exit = True
        thread.join(PATIENCE_S)


def test_every_module_is_in_the_readme() -> None:
    folder = ROOT / "sdk" / "tools" / "bakery" / "src" / "bakery" / "registry"
    inside = README.partition("## Inside")[2]
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} <= set(re.findall(r"(\w+)`", inside))


@pytest.mark.slow
def test_the_readmes_library_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0], {})
    assert (tmp_path / "toast.wasm").read_bytes().startswith(b"\0asm")
