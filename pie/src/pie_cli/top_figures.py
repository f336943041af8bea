"""What a monitor shows, from two looks at a server. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pie.server.status import ModelStatus, Status
from pie_wire.messages import ListedProcess


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look."""

    at_s: float
    """Monotonic."""
    status: Status
    processes: Sequence[ListedProcess]


@dataclass(frozen=True, slots=True)
class ModelFigures:
    name: str
    driver: str
    kv_share: float
    """Of the KV pages, 0 to 1."""
    batch_size: float
    """Requests per batch, since the look before."""
    busy_share: float
    """Of the time since the look before, how much the driver has computed."""
    computed_per_s: float
    drawn_per_s: float
    running: int
    waiting: int


def figures(before: Snapshot | None, now: Snapshot) -> list[ModelFigures]:
    """Each model's; without a look before, rates are those since the start."""
    elapsed_s = now.at_s - before.at_s if before is not None else now.status.uptime_s
    models = before.status.models if before is not None else {}
    return [_figures(name, models.get(name), model, max(elapsed_s, 1e-3)) for name, model in now.status.models.items()]


def _figures(name: str, before: ModelStatus | None, now: ModelStatus, elapsed_s: float) -> ModelFigures:
    def since(counter: str) -> float:
        return float(getattr(now, counter) - (getattr(before, counter) if before is not None else 0))

    return ModelFigures(
        name=name,
        driver=now.driver,
        kv_share=now.kv_pages_used / max(now.kv_pages, 1),
        batch_size=since("requests") / max(since("batches"), 1),
        busy_share=min(since("driver_s") / elapsed_s, 1.0),
        computed_per_s=since("computed_tokens") / elapsed_s,
        drawn_per_s=since("drawn_tokens") / elapsed_s,
        running=now.running,
        waiting=now.waiting,
    )


def bar(share: float, width: int = 20) -> str:
    filled = round(min(max(share, 0.0), 1.0) * width)
    return "█" * filled + "░" * (width - filled)


def duration(seconds: float) -> str:
    """For people: `12 s`, `3:05`, `2:03:05`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def model_line(model: ModelFigures) -> str:
    return (
        f"{model.name} ({model.driver})  kv {bar(model.kv_share)} {model.kv_share:4.0%}  busy {model.busy_share:4.0%}  "
        f"batch {model.batch_size:.1f}  running {model.running}  waiting {model.waiting}  "
        f"{model.computed_per_s:,.0f} tokens/s ({model.drawn_per_s:,.0f} drawn)"
    )


def head_line(snapshot: Snapshot, url: str) -> str:
    status, processes = snapshot.status, snapshot.status.processes
    return (
        f"Pie {status.version} at {url}: {status.phase}, up {duration(status.uptime_s)}, {status.sessions} sessions; processes: "
        f"{processes.get('live', 0)} live, {processes.get('returned', 0)} returned, {processes.get('failed', 0)} failed, "
        f"{processes.get('terminated', 0)} terminated"
    )
