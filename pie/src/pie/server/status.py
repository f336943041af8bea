"""The server's status for operators and monitors: what the query `status` answers, and `pie top` shows. Pure."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from msgspec import Struct, to_builtins

if TYPE_CHECKING:  # monitors read statuses without an engine
    from pie.engine.engine import EngineStatistics
    from pie.net.statistics import HubStatistics
    from pie.sched.statistics import SchedulerStatistics


class ModelStatus(Struct, frozen=True):
    """Counts since the start, but for the first six."""

    driver: str
    kv_pages: int
    kv_pages_used: int
    """By contexts that are in use; pages kept for whoever asks for the same tokens again are free."""
    running: int
    waiting: int
    in_flight: int
    batches: int
    requests: int
    computed_tokens: int
    drawn_tokens: int
    adopted_tokens: int
    preemptions: int
    driver_s: float


class Status(Struct, frozen=True):
    version: str
    phase: str
    """`loading`, `ready`, `draining`, `stopping`."""
    uptime_s: float
    models: dict[str, ModelStatus]
    processes: dict[str, int]
    """Live ones, and how many have ended in which way."""
    connections: int
    sessions: int


def status(
    engine: "EngineStatistics", hub: "HubStatistics", *, phase: str, uptime_s: float, drivers: Mapping[str, str]
) -> dict[str, object]:
    """As what becomes JSON. `drivers` are the models' drivers, as people call them."""
    ended = engine.processes
    answer = Status(
        version=version("pie-engine"),
        phase="draining" if engine.draining and phase == "ready" else phase,
        uptime_s=round(uptime_s, 3),
        models={name: _model(model, drivers[name]) for name, model in engine.schedulers.items()},
        processes={
            "live": ended.live,
            "launched": ended.launched,
            "returned": ended.returned,
            "failed": ended.failed,
            "terminated": ended.terminated,
        },
        connections=hub.connections,
        sessions=hub.sessions,
    )
    builtins: dict[str, object] = to_builtins(answer)
    return builtins


def _model(model: "SchedulerStatistics", driver: str) -> ModelStatus:
    return ModelStatus(
        driver=driver,
        kv_pages=model.kv.total,
        kv_pages_used=model.kv.total - model.kv.free - model.kv.resting,
        running=model.running,
        waiting=model.waiting,
        in_flight=model.in_flight,
        batches=model.batches,
        requests=model.requests,
        computed_tokens=model.computed_tokens,
        drawn_tokens=model.drawn_tokens,
        adopted_tokens=model.kv.adopted_tokens,
        preemptions=model.preemptions,
        driver_s=round(model.driver_s, 6),
    )
