"""The command as a child, against a fake engine."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path

import pytest

from fake_engine import PATIENCE_S, FakeEngine


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    engine: FakeEngine
    home: Path

    async def __call__(self, *arguments: object, given: bytes | None = None) -> Done:
        """Run it to its end with `given` on its stdin (None: /dev/null)."""
        child = await self.start(*arguments, stdin=DEVNULL if given is None else PIPE)
        async with asyncio.timeout(PATIENCE_S):
            out, err = await child.communicate(given)
        assert child.returncode is not None
        return Done(child.returncode, out.decode(), err.decode())

    async def start(self, *arguments: object, stdin: int = PIPE) -> asyncio.subprocess.Process:
        verb, *rest = map(str, arguments)
        address = [] if verb in ("config", "--version") else ["--port", str(self.engine.port)]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pie_client_cli",
            verb,
            *address,
            *rest,
            stdin=stdin,
            stdout=PIPE,
            stderr=PIPE,
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        ours = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "VIRTUAL_ENV")}
        return ours | {"HOME": str(self.home), "LOGNAME": "alice"}


@pytest.fixture
def command(engine: FakeEngine, tmp_path: Path) -> Command:
    return Command(engine, tmp_path)
