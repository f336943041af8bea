"""Commands as children of their container."""

import signal
import socket
import subprocess
import sys

import pytest
from component_peers import ControlPlane, Peers

from pie_component.container import EXIT_REFUSED
from pie_flow import control
from pie_flow.container import CommandProgram

SERVER = """
import os, signal, socket, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: (Path(os.environ["NOTE"]).write_text(f"{os.getpgid(0)}"), os._exit(5)))
while not Path(os.environ["NOTE"] + ".go").exists():
    time.sleep(0.01)
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listening.accept()[0].close()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def start(peers: Peers, *argv: str, **fields: object) -> subprocess.Popen[bytes]:
    program = CommandProgram(argv=argv, environment={"NOTE": str(peers.folder / "note")})
    return peers.start(peers.spec(program, **fields))


def test_a_command_stands_by_when_its_ports_accept_and_gets_the_signal() -> None:
    with Peers() as peers:
        plane, port = ControlPlane(peers), free_port()
        process = start(peers, sys.executable, "-c", SERVER, str(port), ports={"api": port}, control_address=plane.address)
        peers.until(lambda: "configured" in plane.steps())
        (peers.folder / "note.go").touch()
        peers.until(lambda: plane.heard(control.Ready))
        assert plane.steps() == ["imported", "configured", "standby", "connected"]
        # From elsewhere than its supervisor, which would have told all processes.
        subprocess.run(["kill", "-TERM", str(process.pid)], check=True)
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == 5
        assert (peers.folder / "note").exists()


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_commands(code: int) -> None:
    with Peers() as peers:
        process = start(peers, "sh", "-c", f"exit {code}")
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_command_that_a_signal_ends_ends_its_container_by_the_same(number: signal.Signals) -> None:
    with Peers() as peers:
        process = start(peers, "sh", "-c", f"kill -{number.value} $$")
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == -number


def test_a_command_that_is_not_there_is_a_precondition_that_does_not_hold() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        process = start(peers, "/nowhere/command", control_address=plane.address)
        assert "/nowhere/command" in peers.until(lambda: plane.heard(control.Refused)).message
        peers.until(lambda: process.poll() is not None)
        assert process.returncode == EXIT_REFUSED


def test_a_command_sees_its_environment_and_its_own_process_group() -> None:
    with Peers() as peers:
        process = start(peers, sys.executable, "-c", "import os; open(os.environ['NOTE'], 'w').write(str(os.getpgid(0)))")
        peers.until(lambda: process.poll() is not None)
        assert int((peers.folder / "note").read_text()) > 0


def test_a_command_does_not_take_new_values_while_it_runs() -> None:
    with Peers() as peers:
        plane = ControlPlane(peers)
        start(peers, "sleep", "60", control_address=plane.address)
        peers.until(lambda: plane.heard(control.Ready))
        plane.say(control.SetConfig(seq=4, parameters={"level": "2"}))
        applied = peers.until(lambda: plane.heard(control.ConfigApplied))
        assert applied == control.ConfigApplied(seq=4, errors={"level": "a command reads its values when it starts"})
