"""`pie up`: the control plane, in the foreground until it is told to stop, or in the background.

It is an OS process of its own, `python -m pie_deploy.app`: in the foreground this process becomes it.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from pie_deploy.cli.client import error_of
from pie_deploy.cli.exits import EXITS
from pie_deploy.cli.options import Timeout
from pie_deploy.cli.screen import say, show_json
from pie_deploy.cli.verbs import Verb, verb
from pie_deploy.config import Home, default_home
from pie_deploy.config.address import Address, is_up, read_address, who_is_up
from pie_deploy.config.platform_log import is_large, platform_log, put_away
from pie_deploy.domain.duration import parse_duration
from pie_deploy.errors import AlreadyExistsError, DeadlineError, ErrorBody, UnreachableError

app = verb()

LOOK_S = 0.05
LOG_TAIL_BYTES = 4096

Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port of the API, instead of the configured one; 0: a free one.")
]
GatewayPort = Annotated[int | None, typer.Option("--gateway-port", min=0, max=65535, help="Port of the gateway; 0: a free one.")]


@app.command(cls=Verb)
def up(
    port: Port = None,
    gateway_port: GatewayPort = None,
    config_path: Annotated[
        Path | None, typer.Option("-c", "--config", metavar="PATH", help="Configuration (default: config.yml in the home).")
    ] = None,
    detach: Annotated[
        bool, typer.Option("-d/-f", "--detach/--foreground", help="Go into the background as soon as it is ready.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="At the end leave the containers running for the next `pie up`, which has a minute.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="With --detach: wait until it is ready.")] = True,
    timeout: Timeout = "1m",
    debug: Annotated[bool, typer.Option("--debug", help="Log what the control plane does.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout when it is ready.")] = False,
) -> None:
    """Start the deployment platform on this machine: API, gateway, and a runtime of processes.

    It keeps everything in $PIE_DEPLOY_HOME, by default ~/.pie/deploy. Ctrl-C stops it, containers too; Ctrl-C again at once.
    For example: pie up --detach
    """
    home = default_home()
    if is_up(home):
        raise AlreadyExistsError(who_is_up(home))
    options: dict[str, object] = {
        "--config": config_path and config_path.absolute(),
        "--port": port,
        "--gateway-port": gateway_port,
    }
    command = [sys.executable, "-P", "-m", "pie_deploy.app"]  # -P: what lies in this folder is not part of us
    command += [str(part) for name, value in options.items() if value is not None for part in (name, value)]
    command += [name for name, given in {"--keep": keep, "--debug": debug, "--json": as_json}.items() if given]
    if not detach:
        sys.stdout.flush()
        os.execv(sys.executable, command)
    address = start_in_background(home, command, timeout if wait else None)
    if address is None:
        say(f"the platform is coming up; its log is {platform_log(home)}")
    elif as_json:
        show_json(address)
    else:
        say(f"the platform is up: API {address.api_url}, gateway {address.gateway_url}; stop it with: pie down")


def start_in_background(home: Home, command: list[str], timeout: str | None) -> Address | None:
    """Start a control plane and wait until it answers; without a timeout, do not wait. Raises DeadlineError, and what it raised
    when it ends before.
    """
    home.create()
    log = platform_log(home)
    if is_large(log):
        put_away(log)
    with log.open("ab") as output:
        begin = output.tell()
        child = subprocess.Popen(
            command, cwd=home.root, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    if timeout is None:
        return None
    deadline = time.monotonic() + parse_duration(timeout) / 1e9
    while time.monotonic() < deadline:
        if (address := _answering(home, child.pid)) is not None:
            return address
        if child.poll() is not None:
            tail = _tail(log, begin)
            _raise_told(tail)
            sys.stderr.write(tail)
            raise typer.Exit(child.returncode if child.returncode > 0 else EXITS["internal"])
        time.sleep(LOOK_S)
    raise DeadlineError(f"the platform is not ready after {timeout}", hint=f"its log is {log}")


def _raise_told(tail: str) -> None:
    """The error that ended a control plane which was told to say it as JSON, if that is what it has said last."""
    last = tail.rstrip().rpartition("\n")[2]
    with suppress(msgspec.MsgspecError):
        told = msgspec.json.decode(last, type=ErrorBody).error
        raise error_of(told)


def _answering(home: Home, pid: int) -> Address | None:
    try:
        address = read_address(home)
    except UnreachableError:
        return None
    return address if address.pid == pid else None


def _tail(log: Path, begin: int) -> str:
    """What it has said since it began."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(begin, size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")
