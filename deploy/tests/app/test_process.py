"""`pie up` and `pie down` as real processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cli_fakes import run

from pie_deploy.app.process import overridden
from pie_deploy.config import HOME_VARIABLE, ApiConfig, Config, GatewayConfig, Home
from pie_deploy.config.address import holder, is_up, read_address
from pie_deploy.limits import PLATFORM_LOG_BYTES_MAX

PATIENCE_S = 60
HEEDS_SIGINT = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A child of a shell's background job inherits that Ctrl-C is ignored."""
PIE = [sys.executable, "-c", f"{HEEDS_SIGINT}; from pie_cli.main import main; main()"]
CONFIG = "api: {port: 0}\ngateway: {port: 0}\nruntimes: {local: {launcher: fake}}\n"


@pytest.fixture
def configured(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose platform takes free ports and starts no real containers; none is up at the end."""
    home.config.write_text(CONFIG)
    monkeypatch.setenv(HOME_VARIABLE, str(home.root))
    yield home
    if (pid := holder(home)) is not None:
        os.kill(pid, signal.SIGKILL)


@contextmanager
def foreground(home: Home, *options: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, HOME_VARIABLE: str(home.root)}
    command = [*PIE, "up", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as child:
        watchdog = threading.Timer(PATIENCE_S, child.kill)
        watchdog.start()
        try:
            yield child
        finally:
            watchdog.cancel()
            child.kill()


def ready(child: subprocess.Popen[str]) -> dict[str, object]:
    """What it says on stdout once it is ready."""
    assert child.stdout is not None
    said: dict[str, object] = json.loads(child.stdout.readline())
    return said


@pytest.mark.slow
def test_up_and_down_in_the_background(configured: Home) -> None:
    ran = run("up", "--detach")
    assert (ran.code, ran.out) == (0, "")
    address = read_address(configured)
    assert ran.err == f"pie: the platform is up: API {address.api_url}, gateway {address.gateway_url}; stop it with: pie down\n"
    assert f"API:       {address.api_url}\n" in run("status").out
    again = run("up")
    assert again.code == 3
    assert f"already up in {configured.root}: API {address.api_url}" in again.err
    assert run("down").err == "pie: the platform is down\n"
    assert not configured.address.exists()
    assert run("down").err == "pie: the platform was not up\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_in_the_foreground_a_signal_ends_it_cleanly(configured: Home, number: signal.Signals) -> None:
    with foreground(configured) as child:
        assert ready(child) == {
            "api_url": read_address(configured).api_url,
            "gateway_url": read_address(configured).gateway_url,
            "pid": child.pid,
        }
        child.send_signal(number)
        _, err = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0
    assert "✓ Platform ready at http://127.0.0.1:" in err
    assert err.endswith("stopping; Ctrl-C again stops at once\n")
    assert not is_up(configured)
    assert not configured.address.exists()


@pytest.mark.slow
def test_after_a_kill_the_address_means_nothing_and_the_next_one_starts(configured: Home) -> None:
    with foreground(configured) as child:
        ready(child)
        child.kill()
        child.wait()
    ran = run("backend", "list")
    assert ran.code == 6
    assert "the last one was killed" in ran.err
    assert run("up", "--detach").code == 0
    assert run("backend", "list").code == 0


@pytest.mark.slow
def test_what_stops_it_from_starting_is_said(configured: Home) -> None:
    configured.config.write_text("api: {port: many}\n")
    ran = run("up", "--detach")
    assert (ran.code, ran.err) == (2, f"pie: {configured.config}: api.port: expected `int`, got `str`\n")
    assert not is_up(configured)


def test_the_command_line_wins_over_the_file() -> None:
    config = Config(api=ApiConfig(port=1), gateway=GatewayConfig(port=2, public_url="https://x"))
    assert overridden(config, port=None, gateway_port=None) == config
    changed = overridden(config, port=0, gateway_port=0)
    assert (changed.api.port, changed.gateway) == (0, GatewayConfig(port=0, public_url="https://x"))


@pytest.mark.slow
def test_the_log_in_the_background_is_put_away_while_it_is_up(configured: Home) -> None:
    run("up", "--detach")
    log = configured.logs / "platform.log"
    os.truncate(log, PLATFORM_LOG_BYTES_MAX + 1)
    deadline = time.monotonic() + PATIENCE_S
    while not log.with_name("platform.log.1").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run("down")
    assert log.read_text().startswith("stopping")
