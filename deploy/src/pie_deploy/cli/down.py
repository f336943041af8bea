"""`pie down`: end the control plane of this user, and with it the containers."""

import os
import signal
import time
from typing import Annotated

import typer

from pie_deploy.cli.options import Json, Timeout, Wait
from pie_deploy.cli.screen import say, show_json
from pie_deploy.cli.verbs import Verb, verb
from pie_deploy.config import Home, default_home
from pie_deploy.config.address import holder, is_up
from pie_deploy.domain.duration import parse_duration
from pie_deploy.errors import DeadlineError, ForbiddenError

app = verb()

LOOK_S = 0.05


@app.command(cls=Verb)
def down(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the containers running for the next `pie up`, which has a minute.")
    ] = False,
    wait: Wait = True,
    timeout: Timeout = "1m",
    as_json: Json = False,
) -> None:
    """Stop the deployment platform. What is recorded stays: backends, URLs, files. Nothing to stop is fine.

    For example: pie down --timeout 10s
    """
    was_up = _end(default_home(), signal.SIGUSR1 if keep else signal.SIGTERM, timeout if wait else None)
    if as_json:
        show_json({"was_up": was_up})
    else:
        say(("the platform is down" if wait else "the platform is going down") if was_up else "the platform was not up")


def _end(home: Home, number: signal.Signals, timeout: str | None) -> bool:
    """Whether there was a control plane; it is gone then, or (without a timeout) told to go. Raises DeadlineError."""
    deadline = time.monotonic() + parse_duration(timeout or "1m") / 1e9
    told: int | None = None
    while is_up(home):
        pid = holder(home)
        if pid is not None and pid != told:
            _tell(pid, number)
            told = pid
        if timeout is None and told is not None:
            return True
        if time.monotonic() >= deadline:
            raise DeadlineError(f"the platform (pid {pid}) is still going down after {timeout}")
        time.sleep(LOOK_S)
    return told is not None


def _tell(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise ForbiddenError(f"the platform (pid {pid}) belongs to somebody else") from error
