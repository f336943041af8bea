"""The README's second chapter, typed as it stands there: two shells, a registry, an engine, two users.

Only the ports are others than in the text, so that it runs beside anything else.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from e2e.command import PATIENCE_S

from pie.config.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny_config")]

ROOT = Path(__file__).parents[2]
_, _, AFTER = (ROOT / "README.md").read_text().partition("\n## Serve\n")
OPERATOR, USERS = re.findall(r"```console\n(.*?)```", AFTER.partition("\n## ")[0], re.DOTALL)
"""What is typed into the two shells."""


def script(block: str, ports: dict[str, int]) -> str:
    """The commands of a block, at other ports."""
    commands = "\n".join(line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ "))
    changes = {
        "http://127.0.0.1:8090": f"http://127.0.0.1:{ports['registry']}",
        "bakery registry serve": f"bakery registry serve --port {ports['registry']}",
        "pie serve": f"pie serve --port {ports['engine']}",
        "pie-client submit": f"pie-client submit --port {ports['engine']}",
    }
    for written, here in changes.items():
        assert written in OPERATOR + USERS
        commands = commands.replace(written, here)
    return commands


def printed(block: str) -> list[str]:
    """What the chapter says that the commands print."""
    return [line for line in block.splitlines() if line and not line.startswith("$ ")]


@pytest.fixture
def ports() -> dict[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return {"registry": one.getsockname()[1], "engine": other.getsockname()[1]}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where the examples are."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "inferlets").symlink_to(ROOT / "inferlets")
    return folder


@pytest.fixture
def environment(home: Home, tmp_path: Path) -> dict[str, str]:
    """A person with a key and nothing else, but what these tests have built and compiled before."""
    person = tmp_path / "person"
    (person / ".ssh").mkdir(parents=True)
    key = ed25519.Ed25519PrivateKey.generate()
    private = person / ".ssh" / "id_ed25519"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    private.chmod(0o600)
    private.with_suffix(".pub").write_bytes(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" bob@here\n")
    (person / ".pie").mkdir()
    (person / ".pie" / "cache").symlink_to(home.root / "cache")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(person), "HF_HUB_OFFLINE": "1", "LANG": "C.UTF-8"}


@pytest.fixture
def operators_shell(
    environment: dict[str, str], here: Path, ports: dict[str, int], tmp_path: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """The first shell, in which registry and engine are serving."""
    log = tmp_path / "operator.log"
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-c", script(OPERATOR, ports)],
            env=environment,
            cwd=here,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for url in (f"http://127.0.0.1:{ports['registry']}/healthz", f"http://127.0.0.1:{ports['engine']}/readyz"):
            until(lambda url=url: answers(url), shell, log)  # type: ignore[misc]
        yield shell
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(PATIENCE_S)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=PATIENCE_S).is_success
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool], shell: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert shell.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@pytest.mark.usefixtures("operators_shell")
def test_a_program_published_by_one_user_runs_for_another(environment: dict[str, str], here: Path, ports: dict[str, int]) -> None:
    done = subprocess.run(
        ["bash", "-e", "-c", script(USERS, ports)],
        env=environment,
        cwd=here,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1:] == printed(USERS)
    info = httpx.get(f"http://127.0.0.1:{ports['registry']}/api/v1/inferlets/text-completion", timeout=PATIENCE_S).json()
    assert info["downloads"] == 1, "the engine took it from the registry"


def test_nobody_else_gets_in(
    operators_shell: "subprocess.Popen[bytes]", environment: dict[str, str], ports: dict[str, int]
) -> None:
    assert operators_shell.poll() is None
    line = ["pie-client", "submit", "--port", str(ports["engine"]), "text-completion", "--username", "alice"]
    done = subprocess.run(
        line, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode != 0
    assert "not authorized" in done.stderr
