"""A deployment platform as a person has it: `pie up` in the background, verbs in a shell, callers of its URLs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from typer.testing import CliRunner

from pie_cli.main import app

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
PATIENCE_S = 120.0


class Platform:
    """Of a home of its own; `environment` is what a shell needs to talk to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"PATH": path, "HOME": str(home), "PIE_DEPLOY_HOME": str(home), "LANG": "C.UTF-8"}
        self.environment |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}

    def up(self) -> None:
        self("up", "--detach", "--port", "0", "--gateway-port", "0")

    def __call__(self, *arguments: str, expect: int = 0) -> str:
        """Run a verb; what it prints on stdout. Fails with another exit status."""
        done = subprocess.run(
            ["pie", *arguments], env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == expect, f"pie {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def look(self, *arguments: str) -> str:
        """What a verb that changes nothing prints, run in this process: looks are many, and `pie` takes half a second to start."""
        done = CliRunner().invoke(app, arguments, env=self.environment, prog_name="pie")
        assert done.exit_code == 0, f"pie {' '.join(arguments)}: {done.exit_code}\n{done.output}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.look(*arguments, "--json"))

    def deploy(self, example: str, *, backend: str = "") -> str:
        """Apply an example's graph and deploy it; the name of the backend."""
        name = backend or example
        self("backend", "apply", str(EXAMPLES / example / "backend.yml"))
        self("backend", "deploy", name, "--wait")
        return name

    def url(self, backend: str, role: str) -> str:
        return self.look("backend", "endpoints", backend, "--role", role).strip()

    def ask(self, backend: str, role: str, body: str = "A rose") -> httpx.Response:
        return httpx.post(self.url(backend, role), content=body, timeout=PATIENCE_S)

    def containers(self, backend: str) -> dict[str, Any]:
        """Rows by vertex."""
        return {row["vertex"]: row for row in self.json("container", "list", "--deployment", backend)}

    def status(self, backend: str) -> str:
        return str(self.json("deployment", "show", backend)["status"])

    @property
    def pid(self) -> int:
        """Of the control plane."""
        return int(json.loads((self.home / "address.json").read_text())["pid"])

    def kill(self) -> None:
        """The control plane, as a power cut would; what it started lives on."""
        process = psutil.Process(self.pid)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)

    def supervisors(self) -> list[psutil.Process]:
        return [process for process in self.processes() if "pie_deploy.launchers.process.supervisor" in process.cmdline()]

    def processes(self) -> list[psutil.Process]:
        """Everything on this machine that belongs to the platform: it names its home, in its arguments or its environment."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            marks = [*process.cmdline(), *process.environ().values()]
            return process.status() != psutil.STATUS_ZOMBIE and any(str(self.home) in mark for mark in marks)
        except psutil.Error:
            return False


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s: {what}"
        time.sleep(0.1)


@contextmanager
def platform() -> Iterator[Platform]:
    """Up, and gone at the end with all that belongs to it."""
    home = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))  # sockets want a short path
    here = Platform(home)
    try:
        here.up()
        yield here
    finally:
        subprocess.run(["pie", "down"], env=here.environment, capture_output=True, timeout=PATIENCE_S, check=False)
        for process in here.processes():
            process.kill()
        subprocess.run(["chmod", "-R", "u+w", str(home)], check=False)
        shutil.rmtree(home, ignore_errors=True)
