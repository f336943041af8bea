"""The state of a stateful component: on disk after each tick, back after a restart."""

import os
import pickle
from pathlib import Path
from typing import Any

from pie_component.errors import PreconditionError, ResultError

_FILE = "state.pickle"


class Checkpoint:
    """A file that is always a whole state: written aside, then renamed. It lies in the container's own folder and is read by
    nobody else, so pickle is safe and takes whatever the author keeps.

    It outlives the process, not the machine: what is not yet on the disk when the power fails is lost with the deployment.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._aside = folder / f"{_FILE}.new"
        self._written: bytes | None = None

    def load(self, initial: Any) -> Any:
        """What was saved last, or the initial state. Raises PreconditionError when there is one that cannot be read."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return initial
        try:
            state = pickle.loads(data)
        except Exception as error:  # whatever the classes of the state raise
            raise PreconditionError(f"the saved state in {self._path} cannot be read: {error}") from error
        self._written = data
        return state

    def save(self, state: Any) -> None:
        """Raises OSError, and what pickling raises; what was saved before is then still there."""
        data = pickle.dumps(state, pickle.HIGHEST_PROTOCOL)
        if data == self._written:
            return
        descriptor = os.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        self._aside.replace(self._path)
        self._written = data


class Keeper:
    """Holds the state between two ticks."""

    def __init__(self, checkpoint: Checkpoint, initial: Any) -> None:
        """Raises PreconditionError."""
        self._checkpoint = checkpoint
        self.state = checkpoint.load(initial)

    def settle(self, result: Any, names: tuple[str, ...]) -> list[Any]:
        """Take a stateful result apart and save its state. Returns what stands under the names. Raises ResultError; the state is
        then the old one."""
        if type(result) is not dict or result.keys() != {*names, "state"}:
            wanted = ", ".join(f'"{name}": …' for name in (*names, "state"))
            raise ResultError(f"a stateful function returns {{{wanted}}}")
        self._checkpoint.save(result["state"])
        self.state = result["state"]
        return [result[name] for name in names]
