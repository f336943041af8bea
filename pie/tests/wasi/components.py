"""Real components for the tests: built once from the sources in `guests/`, kept by content."""

import hashlib
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pie.sandbox.interface import Err
from pie.sandbox.program import Program
from wasi.fakes import Process

GUESTS = Path(__file__).parent / "guests"
JAVASCRIPT_GUEST = Path(__file__).parent / "data" / "javascript-guest.wasm"
"""Built with `npm install componentize-qjs@0.4.5` and, in `guests/`,
`npx componentize-qjs -w wit -n guest -j javascript/app.js --sync --opt-size -o ../data/javascript-guest.wasm`."""


def python_guest(cache: Path) -> Path:
    """The component of `guests/python/app.py`, which takes some seconds to build the first time."""
    built = cache / f"python-guest-{_fingerprint()}.wasm"
    if not built.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder) / "guest.wasm"
            _componentize(made)
            made.replace(built)  # in one step: another test run may be building the same
    return built


def _componentize(target: Path) -> None:
    command = [Path(sys.executable).parent / "componentize-py", "-d", "wit", "-w", "direct-guest"]
    command += ["componentize", "-p", "python", "-o", target, "app"]
    done = subprocess.run(command, cwd=GUESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _fingerprint() -> str:
    digest = hashlib.sha256(importlib.metadata.version("componentize-py").encode())
    for path in sorted([*(GUESTS / "python").glob("*.py"), *(GUESTS / "wit").rglob("*.wit")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Guest:
    """A program whose `run` takes {"do": …} (see `guests/python/app.py`) and answers in JSON."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def tell(self, state: Process, do: str, **arguments: Any) -> Any:
        """Run one action in an instance of its own. Raises `RuntimeError` with the guest's words on its error."""
        return await self.run(state, {"do": do, **arguments})

    async def run(self, state: Process, told: dict[str, Any]) -> Any:
        instance = await self._program.start(state, memory_bytes_max=256 << 20)
        try:
            answer = await instance.run(json.dumps(told))
        finally:
            instance.close()
        if isinstance(answer, Err):
            raise RuntimeError(answer.value)
        return json.loads(answer.value)
