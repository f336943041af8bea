"""The chain of `benches.gateway` in other systems, for the same callers: x + 1 in three components, a result of x + 3.

They are not installed with us (`pip install bentoml hayhooks` in an environment of their own, its `bin` on the PATH); what is not
there is left out.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
START_S = 120
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Rival:
    name: str
    command: Sequence[str]
    """`{port}` is replaced."""
    path: str
    body: bytes = b'{"x": %d}'
    answer: bytes = b"%d"


RIVALS = (
    Rival("bentoml", ("bentoml", "serve", "bentoml_chain:First", "--host", "127.0.0.1", "--port", "{port}"), "/plus"),
    Rival(
        "hayhooks",
        ("hayhooks", "run", "--host", "127.0.0.1", "--port", "{port}", "--pipelines-dir", str(FOLDER / "hayhooks_chain")),
        "/plus/run",
        answer=b'{"result":%d}',
    ),
)


def installed() -> list[Rival]:
    found = [rival for rival in RIVALS if shutil.which(rival.command[0])]
    for rival in RIVALS:
        if rival not in found:
            print(f"    {rival.name} is not installed: left out", file=sys.stderr)
    return found


@contextmanager
def serving(rival: Rival) -> Iterator[str]:
    """The URL of its chain, once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [part.format(port=port) for part in rival.command]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", "HAYSTACK_TELEMETRY_ENABLED": "False"}
    child = subprocess.Popen(command, cwd=FOLDER, env=environment, start_new_session=True, **quiet)
    url = f"http://127.0.0.1:{port}{rival.path}"
    try:
        _wait(url, rival, child)
        yield url
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _wait(url: str, rival: Rival, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    request = urllib.request.Request(url, rival.body % 1, {"content-type": "application/json"})
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                if answer.read() == rival.answer % 4:
                    return
        except (OSError, urllib.error.HTTPError):
            pass
        time.sleep(LOOK_S)
    raise RuntimeError(f"{rival.name} does not answer at {url}")
