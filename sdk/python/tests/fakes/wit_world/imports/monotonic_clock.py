from scripted_engine import Timed

from wit_world.imports._calls import enter
from wit_world.imports.poll import Pollable


def now() -> int:
    return enter("now").now_ns


def subscribe_instant(when: int) -> Pollable:
    enter("subscribe-instant")
    return Pollable(Timed(lambda: when))


def subscribe_duration(when: int) -> Pollable:
    at = enter("subscribe-duration").now_ns + when
    return Pollable(Timed(lambda: at))
