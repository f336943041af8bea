"""Who watches something stays when the platform goes down and comes up again, perhaps at another port."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from pie_deploy.cli.client import Client
from pie_deploy.cli.screen import Listing, say, show, watch
from pie_deploy.errors import UnreachableError

T = TypeVar("T")

LOOK_S = 1.0
"""Between two tries to find it."""


def patiently(
    client: Client,
    ask: Callable[[], T],
    gone: UnreachableError | None = None,
    *,
    quiet: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What the platform answers, as soon as it does: says once that it is waited for, and once that it is back.

    gone: how the caller has learnt that it is not there. quiet: say nothing.
    """
    if gone is None:
        try:
            return ask()
        except UnreachableError as error:
            gone = error
    tell = (lambda _: None) if quiet else say
    tell(f"{gone}; waiting until it is up again")
    while True:
        sleep(LOOK_S)
        client.find_again()
        with suppress(UnreachableError):
            answer = ask()
            tell("the platform is up again")
            return answer


def present(client: Client, look: Callable[[], Listing[Any]], *, watching: bool, as_json: bool, wide: bool) -> None:
    """What there is now; with `watching` again and again: a platform that is not up is told, one that goes is waited for."""
    first = [look()]

    def again() -> Listing[Any]:
        return first.pop() if first else patiently(client, look, quiet=as_json)

    if watching:
        watch(again, as_json=as_json, wide=wide)
    show(first[0], as_json=as_json, wide=wide)
