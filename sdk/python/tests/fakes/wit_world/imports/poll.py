from scripted_engine import Resource, Timed

from wit_world.imports._calls import enter


class Pollable(Resource):
    def __init__(self, timed: Timed) -> None:
        super().__init__()
        self.timed = timed

    def ready(self) -> bool:
        return _is_ready(self, enter("pollable.ready").now_ns)

    def block(self) -> None:
        enter("pollable.block")
        poll([self])


def poll(in_: list[Pollable]) -> list[int]:
    engine = enter("poll")
    assert in_, "poll of nothing traps"
    times = [pollable.timed.ready_at() for pollable in in_]
    known = [at for at in times if at is not None]
    assert known, "the program waits for something that never happens"
    engine.now_ns = max(engine.now_ns, min(known))
    return [index for index, pollable in enumerate(in_) if _is_ready(pollable, engine.now_ns)]


def _is_ready(pollable: Pollable, now_ns: int) -> bool:
    at = pollable.timed.ready_at()
    return at is not None and at <= now_ns
