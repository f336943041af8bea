"""Installs requirements into an environment, with the platform's own pip."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pie_deploy.errors import LauncherError
from pie_deploy.limits import ENVIRONMENT_LOCK_POLL_S, REQUIREMENTS_INSTALL_S, REQUIREMENTS_OUTPUT_BYTES_MAX


def install(environment: Path, variables: Mapping[str, str], *, wheels_only: bool, lock: int, give_up: threading.Event) -> None:
    """What stands in its `requirements.txt`. Blocking. Raises LauncherError with the end of pip's output.

    lock: a locked descriptor that pip shares: if this process is killed, the next builder waits until pip has ended, too.
    give_up: set by another thread when nobody needs it any more.
    """
    with tempfile.TemporaryFile() as output:
        pip = subprocess.Popen(
            install_command(environment, wheels_only=wheels_only),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(variables),
            cwd=environment,
            pass_fds=(lock,),
            start_new_session=True,  # what it starts in turn is ended with it
        )
        try:
            exit_code = _wait(pip, give_up)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pip.pid, signal.SIGKILL)
            pip.wait()
        if exit_code != 0:
            raise LauncherError(f"the requirements cannot be installed: {_tail(output)}")


def _wait(pip: "subprocess.Popen[bytes]", give_up: threading.Event) -> int:
    """Its exit code. Raises LauncherError when it takes too long, or is not wanted any more."""
    deadline_s = time.monotonic() + REQUIREMENTS_INSTALL_S
    while (exit_code := pip.poll()) is None:
        if time.monotonic() > deadline_s:
            raise LauncherError(f"installing the requirements takes more than {REQUIREMENTS_INSTALL_S:g} s")
        if give_up.wait(ENVIRONMENT_LOCK_POLL_S):
            raise LauncherError("installing the requirements was given up: the platform ends")
    return exit_code


def install_command(environment: Path, *, wheels_only: bool) -> list[str]:
    python = str(environment / "bin" / "python")
    command = [sys.executable, "-P", "-m", "pip", "--python", python, "install", "--no-input", "--disable-pip-version-check"]
    command += ["--quiet", "--no-warn-script-location", "-r", str(environment / "requirements.txt")]
    return [*command, "--only-binary=:all:"] if wheels_only else command


def _tail(output: BinaryIO) -> str:
    size_bytes = output.seek(0, os.SEEK_END)
    output.seek(max(0, size_bytes - REQUIREMENTS_OUTPUT_BYTES_MAX))
    return output.read().decode(errors="replace").strip()
