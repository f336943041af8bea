"""Runs componentize-py on a staged program and explains its failures."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bakery.entry import MODULE, entry_source
from bakery.errors import BuildError, Problem, SourceError
from bakery.limits import BUILD_TIMEOUT_S, LOG_CHARACTERS_MAX
from bakery.project import Project
from bakery.toolchain import Toolchain

_RUN = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "  # else Ctrl-C would not reach the native code
    "from componentize_py import script; sys.argv[0] = 'componentize-py'; sys.exit(script())"
)
_FRAME = re.compile(r'^  File "/0/(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_FAILURE = re.compile(r"^(?P<kind>[A-Za-z_][\w.]*)(: (?P<text>.*))?$")
_TRAPPED_CALL = re.compile(r"called trapping stub: (?P<function>\S+)")


@dataclass(frozen=True, slots=True)
class _Stage:
    """Copies of everything that goes into the build: componentize-py writes byte code beside the sources it reads."""

    program: Path
    entry: Path
    sdk: Path
    site: Path
    output: Path


def componentize(project: Project, modules: Sequence[str], toolchain: Toolchain, folder: Path) -> bytes:
    """The component, built in the empty `folder`. Raises `SourceError`, `BuildError`."""
    stage = _stage(project, modules, toolchain, folder)
    try:
        finished = subprocess.run(
            _command(stage, toolchain),
            env={"VIRTUAL_ENV": str(stage.site), "PYTHONUTF8": "1"},  # nothing installed here gets into the component
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"the build took longer than {BUILD_TIMEOUT_S} s; does the program loop while it is imported?") from error
    if finished.returncode:
        raise explain(project, finished.stdout + finished.stderr)
    return stage.output.read_bytes()


def _command(stage: _Stage, toolchain: Toolchain) -> list[str]:
    # The guest sees the folders as /0, /1 and /2, in this order.
    paths = [part for path in (stage.program, stage.entry, stage.sdk) for part in ("-p", str(path))]
    where = ["-d", str(toolchain.wit), "-w", "inferlet"]
    return [sys.executable, "-c", _RUN, "-q", *where, "componentize", MODULE, "-o", str(stage.output), *paths]


def _stage(project: Project, modules: Sequence[str], toolchain: Toolchain, folder: Path) -> _Stage:
    stage = _Stage(folder / "program", folder / "entry", folder / "sdk", folder / "site", folder / "program.wasm")
    for name, content in project.files.items():
        _write(stage.program / name, content)
    sdk_files = [(f"inferlet/{path.relative_to(toolchain.sdk)}", path) for path in sorted(toolchain.sdk.rglob("*.py"))]
    for name, path in sdk_files:
        _write(stage.sdk / name, path.read_bytes())
    sources = [f"/0/{name}" for name in project.files if name.endswith(".py")] + [f"/2/{name}" for name, _ in sdk_files]
    _write(stage.entry / f"{MODULE}.py", entry_source(modules, sources).encode())
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (stage.site / "lib" / version / "site-packages").mkdir(parents=True)
    return stage


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def explain(project: Project, log: str) -> SourceError | BuildError:
    """A failed build as an error of the source where it is one: where in the program, and Python's own words."""
    log = log[-LOG_CHARACTERS_MAX:]
    trapped = _TRAPPED_CALL.search(log)
    if trapped is not None:
        text = f"calls the engine ({trapped['function']}) while it is imported; do that inside `main`"
        return SourceError(Problem(project.shown, 0, text))
    frames = list(_FRAME.finditer(log))
    failure = _last_failure(log)
    if not failure:
        return BuildError("componentize-py failed", log)
    if not frames:
        return SourceError(Problem(project.shown, 0, failure))
    last = frames[-1]
    return SourceError(Problem(project.shown_as(last["file"]), int(last["line"]), failure))


def _last_failure(log: str) -> str:
    """The last line of Python's traceback: `ModuleNotFoundError: No module named 'numpy'`."""
    _, _, traceback = log.partition("AssertionError: Traceback (most recent call last):")
    for line in reversed(traceback.partition("\nCaused by:")[0].splitlines()):
        if _FAILURE.match(line):
            return line.replace("SyntaxError: ", "syntax error: ")
    return ""
