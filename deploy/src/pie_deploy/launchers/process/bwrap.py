"""Whether bubblewrap can be used here."""

import functools
import shutil
import subprocess
from typing import Literal

from pie_deploy.errors import LauncherError

_PROBE = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-pid", "--unshare-net", "--cap-drop", "ALL", "true")
_PROBE_S = 10


def find_bwrap(isolation: Literal["none", "bwrap", "auto"]) -> str | None:
    """Path of a bwrap that works; None: no sandbox. Blocking. Raises LauncherError when one is wanted and there is none."""
    if isolation == "none":
        return None
    path, problem = _probe()
    if problem and isolation == "bwrap":
        raise LauncherError(f"isolation by bwrap is asked for, but {problem}")
    return None if problem else path


@functools.cache
def _probe() -> tuple[str, str]:
    """A kernel, or a container around us, may forbid what bwrap does."""
    path = shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin")
    if path is None:
        return "", "it is not installed (Debian: apt-get install bubblewrap)"
    try:
        done = subprocess.run([path, *_PROBE], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return path, f"it does not run: {error}"
    return path, "" if done.returncode == 0 else f"it does not work here: {done.stderr.decode(errors='replace').strip()}"
