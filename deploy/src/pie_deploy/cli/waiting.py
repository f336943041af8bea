"""Waiting for a deployment, with a line for each container that gets further, and the reason when it does not come up."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from pie_deploy.cli.client import Client, at
from pie_deploy.cli.container import log_lines, log_text
from pie_deploy.cli.meanwhile import with_pauses
from pie_deploy.cli.patience import patiently
from pie_deploy.cli.screen import say, show_line
from pie_deploy.cli.verbs import LOG
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.records import Container, Deployment
from pie_deploy.errors import DeadlineError, DeployError, DeploymentFailedError, Detail, NotFoundError, UnreachableError

LOG_TAIL_LINES = 20
"""Of the container that failed: enough for a traceback."""
LOOK_S = 0.5
"""Between two looks at containers: they get further without the deployment's row changing."""

CONTAINERS_TOLD_MAX = 50
"""Of which each is told by itself: a screen full, and a small answer to ask for twice a second."""

ENDED = ("ready", "exited")


T = TypeVar("T")


def poll_until(
    client: Client,
    look: Callable[[], T],
    is_done: Callable[[T], bool],
    timeout: str,
    late: Callable[[T], str],
    *,
    quiet: bool = False,
) -> T:
    """Look again and again until it is done, also across restarts of the platform. Raises DeadlineError, which says what `late`
    makes of the last look.
    """
    deadline = time.monotonic() + parse_duration(timeout) / 1e9
    while not is_done(seen := patiently(client, partial(_in_time, look, deadline), quiet=quiet)):
        if time.monotonic() >= deadline:
            raise DeadlineError(f"{late(seen)} after {timeout}")
        time.sleep(LOOK_S)
    return seen


def changes(client: Client, deployment: Deployment, *, status: str, timeout: str, quiet: bool = False) -> Iterator[Deployment]:
    """The row now and at every change, until it is what was waited for or can no longer become it, or time is over."""
    path = at("deployments", deployment.id)
    deadline = time.monotonic() + parse_duration(timeout) / 1e9
    while True:
        try:
            yield from client.lines(f"{path}/wait", Deployment, status=status, timeout=timeout)
            return
        except UnreachableError as error:
            patiently(client, partial(_in_time, partial(client.get, path, Deployment), deadline), error, quiet=quiet)
        timeout = f"{max(0.0, deadline - time.monotonic()):.3f}s"


def _in_time(ask: Callable[[], T], deadline: float) -> T:
    """Raises DeadlineError instead of UnreachableError when time is over."""
    try:
        return ask()
    except UnreachableError as error:
        if time.monotonic() < deadline:
            raise
        raise DeadlineError(f"{error}, and did not come back in time", hint=error.hint) from error


def wait_until(client: Client, row: Deployment, *, status: str, timeout: str, as_json: bool) -> None:
    """Returns when the deployment has come to `status`. Raises DeploymentFailedError when it failed instead, DeadlineError."""
    progress = Progress(client, quiet=as_json)
    for change in with_pauses(changes(client, row, status=status, timeout=timeout, quiet=as_json), LOOK_S):
        if change is not None:
            row = change
            if as_json:
                show_line(row)
        progress.tell(row)
    settle(client, row, status=status, timeout=timeout)
    if not as_json:
        print(f"✓ {row.id} is {'gone' if row.gone_at_ns else row.status}", flush=True)


def settle(client: Client, row: Deployment, *, status: str, timeout: str) -> None:
    """What the wait has come to."""
    if reached(row, status):
        return
    if row.status == "failed" or row.gone_at_ns is not None or row.status == "tearing_down":
        raise failure(client, row)
    raise DeadlineError(f"{row.id} is still {row.status} after {timeout}: {row.containers_ready} of {row.containers} ready")


def reached(row: Deployment, status: str) -> bool:
    if status == "gone":
        return row.gone_at_ns is not None
    return row.gone_at_ns is None and row.status == status and not (status == "running" and row.redeploying)


class Progress:
    """Tells each container's way to `ready`, once per step; of large graphs only how many are."""

    def __init__(self, client: Client, *, quiet: bool) -> None:
        self._client = client
        self._quiet = quiet
        self._seen: dict[str, str] = {}

    def tell(self, row: Deployment) -> None:
        if self._quiet:
            return
        if row.containers > CONTAINERS_TOLD_MAX:
            self._say_once(row.id, f"{row.containers_ready} of {row.containers} ready")
            return
        for container in self._containers(row):
            if container.generation < row.generation and row.gone_at_ns is None and row.status != "tearing_down":
                continue  # of a redeploy, those that go
            self._say_once(container.id, f"{container.vertex}: {told(container)}")

    def _say_once(self, about: str, text: str) -> None:
        if self._seen.get(about) != text:
            self._seen[about] = text
            say(text)

    def _containers(self, row: Deployment) -> list[Container]:
        try:
            return self._client.items(at("deployments", row.id, "containers"), Container)
        except DeployError:  # it is for show: what counts is the deployment
            return []


def told(container: Container) -> str:
    """`standby`, or `backoff after exit code 1, restart 2`."""
    state: str = container.state
    if container.state in ("backoff", "exited") and container.exit_code is not None:
        state += f" {'with' if state == 'exited' else 'after'} {exit_words(container.exit_code)}"
    return f"{state}, restart {container.restarts}" if container.restarts else state


def exit_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def failure(client: Client, row: Deployment) -> DeploymentFailedError:
    """The reason, and the last words of the container that is to blame."""
    state = "gone" if row.gone_at_ns else row.status
    reason = f" ({row.status_reason})" if row.status_reason else ""
    message = f"{row.id} is {state}{reason}{': ' if row.status_message else ''}{row.status_message}"
    details: list[Detail] = []
    try:
        blamed = culprit(client.items(at("deployments", row.id, "containers"), Container))
        for detail in () if blamed is None else _last_words(client, blamed):
            details.append(detail)  # noqa: PERF402 - what came before an error stays
    except NotFoundError:
        pass  # it did not live long enough to say anything
    except DeployError as error:  # what counts is that the deployment has failed
        details.append(Detail(code=error.code, message=f"more about it cannot be had: {error}"))
    again = f"correct it, then: pie backend redeploy --deployment {row.id}; or end it: pie backend undeploy --deployment {row.id}"
    return DeploymentFailedError(message, details, again if state == "failed" else "")


def _last_words(client: Client, blamed: Container) -> Iterator[Detail]:
    last = f": {blamed.last_error}" if blamed.last_error else ""
    yield Detail(code="container", message=f"{blamed.vertex} ({blamed.id}) {told(blamed)}{last}", subject=blamed.vertex)
    for line in log_lines(client, blamed.id, tail=LOG_TAIL_LINES):
        yield Detail(code=LOG, message=f"{blamed.vertex} | {log_text(line, timestamps=False)}", subject=blamed.vertex)


def culprit(containers: list[Container]) -> Container | None:
    """The one that failed most: refused to start, crashed most often, or did not get ready; the newest of them."""
    if not containers:
        return None
    newest = max(container.generation for container in containers)
    blame = [one for one in containers if one.generation == newest and (one.last_error or one.restarts or one.state not in ENDED)]
    return max(blame, key=lambda one: (bool(one.last_error), one.restarts, one.state not in ENDED), default=None)
