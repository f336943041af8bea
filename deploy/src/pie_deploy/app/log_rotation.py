"""Keeps the log of a control plane in the background small while it is up.

Its stdout and stderr are that file, so whatever is written to them, by whomever, goes to the new one from then on. Nothing is lost
in between.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from pie_deploy.config.platform_log import is_large, put_away
from pie_deploy.limits import PLATFORM_LOG_LOOK_S


class LogRotation:
    def __init__(self, log: Path, descriptors: Sequence[int] = (1, 2)) -> None:
        """descriptors: those that may be the log; what leads elsewhere (a terminal, a pipe) is left alone."""
        self._log = log
        self._descriptors = descriptors

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PLATFORM_LOG_LOOK_S)
            try:
                self.turn()
            except OSError:  # a full disk: there is nowhere to say it, and the next turn comes
                continue

    def turn(self) -> None:
        """Begin a new one if it is time. Raises OSError; then all is as it was."""
        ours = [descriptor for descriptor in self._descriptors if self._is_log(descriptor)]
        if not ours or not is_large(self._log):
            return
        aside = self._log.with_name(f"{self._log.name}.new")
        new = os.open(aside, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            put_away(self._log)
            aside.replace(self._log)
            for descriptor in ours:
                os.dup2(new, descriptor)
        finally:
            os.close(new)

    def _is_log(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._log.stat())
        except OSError:  # closed, or there is no log
            return False
