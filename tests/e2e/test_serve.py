"""`pie serve` as a child process: how it starts, serves, and ends when it is told to."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from e2e import components
from e2e.command import PATIENCE_S, Command
from e2e.conftest import model_without_weights

from pie_client import Event, PieClient
from pie_client.reconnect import NEVER

pytestmark = pytest.mark.slow

MANIFEST = '[package]\nname = "echo"\nversion = "0.1.0"\n'


@pytest.fixture
def pie(tmp_path: Path) -> Command:
    """With a home of its own; the configured model needs no worker."""
    (tmp_path / "model").mkdir()
    model = model_without_weights(tmp_path / "model")
    (tmp_path / "config.toml").write_text(
        f'[server]\nport = 0\ngrace_s = 30.0\n[[model]]\nname = "m"\nhf_repo = "{model}"\ndriver.type = "dummy"\n'
    )
    return Command({"PIE_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}, tmp_path)


@contextmanager
def serving(pie: Command, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The child, ready; and its address."""
    with pie.start("serve", "--json", *arguments) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            assert line, child.stderr.read() if child.stderr else ""
            yield child, json.loads(line)["url"]
        finally:
            child.kill()


def ended(child: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit code, and what it said."""
    _, err = child.communicate(timeout=PATIENCE_S)
    return child.returncode, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_says_where_it_is_and_ends_in_order(pie: Command, number: signal.Signals) -> None:
    with serving(pie, "--no-auth") as (child, url):
        heeded = number != signal.SIGINT or signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        child.send_signal(number if heeded else signal.SIGTERM)
        code, err = ended(child)
    assert code == 0
    assert f"✓ Server ready at {url}" in err
    assert "Auth    off" in err
    assert "Traceback" not in err


def test_nobody_to_let_in_comes_with_the_command_that_helps(pie: Command) -> None:
    with serving(pie) as (child, _):
        child.send_signal(signal.SIGTERM)
        assert "pie auth add NAME" in ended(child)[1]


def test_a_job_in_the_background_ignores_ctrl_c_and_heeds_sigterm(pie: Command) -> None:
    start = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from pie_cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", start, "serve", "--no-auth", "--json"],
        env=pie.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        url = json.loads(child.stdout.readline())["http_url"]
        child.send_signal(signal.SIGINT)
        assert httpx.get(f"{url}/readyz").status_code == 200
        child.send_signal(signal.SIGTERM)
        assert ended(child)[0] == 0


def test_a_taken_port_is_one_clear_line(pie: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = pie("serve", "--no-auth", "--port", str(taken.getsockname()[1]))
    assert done.code == 1
    assert "is taken by another program" in done.err
    assert done.err.count("\n") == 1


def test_a_model_that_is_not_there_ends_it_with_one_clear_line(pie: Command, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[server]\nport = 0\n[[model]]\nname = "m"\nhf_repo = "{tmp_path}/none"\n')
    done = pie("serve", "--no-auth")
    assert done.code == 1
    assert "pie: " in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


def test_told_to_stop_under_load_it_finishes_what_it_has_begun(pie: Command) -> None:
    async def load(url: str, child: "subprocess.Popen[str]") -> list[str]:
        async with httpx.AsyncClient(base_url=url.replace("ws", "http", 1), timeout=PATIENCE_S) as client:
            begun = asyncio.Semaphore(0)

            async def completion(number: int) -> str:
                body = {"model": "m", "prompt": f"{number}", "max_tokens": 2000, "stream": True, "temperature": 1, "seed": number}
                text = ""
                async with client.stream("POST", "/v1/completions", json=body) as answer:
                    begun.release()
                    async for line in answer.aiter_lines():
                        text += line
                return text

            tasks = [asyncio.create_task(completion(number)) for number in range(16)]
            for _ in tasks:
                await begun.acquire()
            child.send_signal(signal.SIGTERM)
            return await asyncio.gather(*tasks)

    with serving(pie, "--no-auth") as (child, url):
        answers = asyncio.run(load(url, child))
        assert ended(child)[0] == 0
    assert all(answer.endswith("data: [DONE]") for answer in answers)


def test_processes_get_their_grace_and_are_ended_after_it(pie: Command, tmp_path: Path) -> None:
    """A program that waits for a text that never comes."""
    (tmp_path / "config.toml").write_text((tmp_path / "config.toml").read_text().replace("grace_s = 30.0", "grace_s = 0.2"))

    async def attached(url: str, child: "subprocess.Popen[str]") -> list[tuple[Event, str | bytes]]:
        async with PieClient(url, reconnect=NEVER) as client:
            await client.authenticate("alice")
            await client.install_program_bytes(components.spin(), MANIFEST.replace("echo", "spin"))
            process = await client.launch_process("spin")
            child.send_signal(signal.SIGTERM)
            return [await process.recv()]

    with serving(pie, "--no-auth") as (child, url):
        events = asyncio.run(attached(url, child))
        code, err = ended(child)
    assert (code, events[-1][0]) == (0, Event.Error)
    assert "ending 1 processes and 0 HTTP answers" in err


def test_a_second_signal_ends_it_at_once(pie: Command) -> None:
    async def busy(url: str, child: "subprocess.Popen[str]") -> None:
        async with PieClient(url, reconnect=NEVER) as client:
            await client.authenticate("alice")
            await client.install_program_bytes(components.spin(), MANIFEST.replace("echo", "spin"))
            await client.launch_process("spin")
            child.send_signal(signal.SIGTERM)
            assert child.stderr is not None
            while "stopping" not in await asyncio.to_thread(child.stderr.readline):
                pass
            child.send_signal(signal.SIGTERM)
            await asyncio.to_thread(child.wait, PATIENCE_S)

    with serving(pie, "--no-auth") as (child, url):
        began = time.monotonic()
        asyncio.run(busy(url, child))
        assert child.returncode == 130
        assert time.monotonic() - began < PATIENCE_S


def test_the_monitor_shows_the_server_and_q_stops_it(pie: Command) -> None:
    with pie.on_terminal("serve", "--no-auth", "-m") as terminal:
        terminal.until("PROGRAM")
        terminal.type("q")
        assert terminal.end() == 0


def test_top_shows_a_running_server(pie: Command) -> None:
    with serving(pie, "--no-auth") as (_, url), pie.on_terminal("top", "--url", url, "--username", "alice") as terminal:
        terminal.until("tokens/s")
        terminal.type("q")
        assert terminal.end() == 0
