"""Programs that come as the source of one Python function, as clients of Pie 0.5 send them.

The manifest says `[runtime] language = "python"`, which function is the `entry`, and with `call = "kwargs"` that the input's fields
are its arguments. The source is a stranger's: here it is only bytes. A child reads and compiles it (`bakery build`), and what runs
while it is imported runs inside the child's own sandbox, which has no files but copies of the source, no variables, no network.
"""

import asyncio
import contextlib
import keyword
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

from pie.errors import ProgramError
from pie.limits import PROGRAM_BUILD_BYTES_MAX, PROGRAM_BUILD_TIMEOUT_S, PROGRAM_BYTES_MAX, PROGRAM_SOURCE_BYTES_MAX
from pie_wire.manifest import Manifest

_COMPONENT = b"\0asm"
_MODULE = "uploaded"
_MAIN = '''"""Made by Pie: hands the input to the function that was uploaded."""

from {module} import {entry} as function


def main(input):
    {call}
'''
_KWARGS = """if not isinstance(input, dict):
        raise TypeError("the input of this program is an object with its arguments")
    return function(**input)"""


def is_source(manifest: Manifest, artifact: bytes) -> bool:
    """Whether the artifact has to be built. A component is one, whatever its manifest says."""
    return "language" in manifest.runtime and not artifact.startswith(_COMPONENT)


async def build(manifest: Manifest, manifest_text: str, source: bytes, cache: Path) -> bytes:
    """The component. Takes some seconds if the source is not in the cache. Raises `ProgramError`."""
    main = _main(manifest)
    if len(source) > PROGRAM_SOURCE_BYTES_MAX:
        raise ProgramError(f"the source has {len(source)} bytes; at most {PROGRAM_SOURCE_BYTES_MAX} are taken")
    with tempfile.TemporaryDirectory(prefix="pie-source-") as name:
        folder = Path(name)
        await asyncio.to_thread(_lay_out, folder / "program", main, manifest_text, source)
        await _bakery(folder, cache)
        return await asyncio.to_thread((folder / "program.wasm").read_bytes)


def _main(manifest: Manifest) -> str:
    language, entry = manifest.runtime["language"], manifest.runtime.get("entry", "main")
    if language != "python":
        raise ProgramError(f"programs in {language!r} cannot be built here: upload a component, or Python source")
    if not entry.isidentifier() or keyword.iskeyword(entry):
        raise ProgramError(f"runtime.entry: {entry!r} is no name of a function")
    call = _KWARGS if manifest.runtime.get("call") == "kwargs" else "return function(input)"
    return _MAIN.format(module=_MODULE, entry=entry, call=call)


def _lay_out(folder: Path, main: str, manifest_text: str, source: bytes) -> None:
    folder.mkdir()
    (folder / "main.py").write_text(main)
    (folder / f"{_MODULE}.py").write_bytes(source)
    (folder / "Pie.toml").write_text(manifest_text)


async def _bakery(folder: Path, cache: Path) -> None:
    """Build `folder`/program into `folder`/program.wasm."""
    arguments = ["build", str(folder / "program"), "-o", str(folder / "program.wasm"), "--cache", str(cache)]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bakery",
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # so that its children end with it
    )
    try:
        _bound(child.pid)
        async with asyncio.timeout(PROGRAM_BUILD_TIMEOUT_S):
            _, said = await child.communicate()
    except TimeoutError as error:
        raise ProgramError(
            f"the program cannot be built in {PROGRAM_BUILD_TIMEOUT_S:g} s; does it loop while it is imported?"
        ) from error
    finally:
        if child.returncode is None:  # it is still there, and so is its group
            os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
    if child.returncode:
        raise ProgramError(_explained(said.decode(errors="replace")))


def _bound(child: int) -> None:
    """How much memory, and how large files, the child and its children may have; on Linux, which can say so from outside."""
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):  # it has ended
            resource.prlimit(child, resource.RLIMIT_DATA, (PROGRAM_BUILD_BYTES_MAX, PROGRAM_BUILD_BYTES_MAX))
            resource.prlimit(child, resource.RLIMIT_FSIZE, (PROGRAM_BYTES_MAX, PROGRAM_BYTES_MAX))


def _explained(said: str) -> str:
    """bakery's error, with the file called what the client knows."""
    _, _, error = said.rpartition("Error: ")
    return f"the program cannot be built: {(error.strip() or 'the build failed')[:2000]}"
