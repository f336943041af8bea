"""`pie down`: end the control plane of this user, and with it the containers."""

import os
import signal
import time
from typing import Annotated

import typer

from pie_deploy.cli.screen import say
from pie_deploy.cli.verbs import Verb, verb
from pie_deploy.config import default_home
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
    timeout: Annotated[str, typer.Option("--timeout", metavar="DURATION", help="How long to wait for its end.")] = "1m",
) -> None:
    """Stop the deployment platform. What is recorded stays: backends, URLs, files. Nothing to stop is fine.

    For example: pie down --timeout 10s
    """
    home = default_home()
    deadline = time.monotonic() + parse_duration(timeout) / 1e9
    told: int | None = None
    while is_up(home):
        pid = holder(home)
        if pid is not None and pid != told:
            _tell(pid, signal.SIGUSR1 if keep else signal.SIGTERM)
            told = pid
        if time.monotonic() >= deadline:
            raise DeadlineError(f"the platform (pid {pid}) is still going down after {timeout}")
        time.sleep(LOOK_S)
    say("the platform is down" if told else "the platform was not up")


def _tell(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise ForbiddenError(f"the platform (pid {pid}) belongs to somebody else") from error
