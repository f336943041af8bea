"""What Prometheus may know: the statistics of engine and sessions, read when they are asked for, and what is counted of HTTP.

No label is chosen by a client: models are those of the configuration, routes those of the code.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import accumulate

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from pie.engine.engine import EngineStatistics
from pie.net.statistics import HubStatistics
from pie.processes.process import Process
from pie.sched.statistics import BATCH_SIZES, SchedulerStatistics
from pie.server.http_metrics import LATENCY_BUCKETS_S

Reading = Callable[[SchedulerStatistics], float]

GAUGES: tuple[tuple[str, str, Reading], ...] = (
    ("pie_works_running", "Works of the scheduler that have KV pages.", lambda model: model.running),
    ("pie_works_waiting", "Works of the scheduler that wait for KV pages.", lambda model: model.waiting),
    ("pie_batches_in_flight", "Batches at the driver.", lambda model: model.in_flight),
    ("pie_contexts_saved", "Contexts kept under names.", lambda model: model.saved),
)
"""What a model has now."""

COUNTERS: tuple[tuple[str, str, Reading], ...] = (
    ("pie_batches", "Batches computed.", lambda model: model.batches),
    ("pie_batches_failed", "Batches that the driver failed at.", lambda model: model.failed_batches),
    ("pie_tokens_computed", "Tokens that went through the model.", lambda model: model.computed_tokens),
    ("pie_tokens_drawn", "Tokens that generations have drawn.", lambda model: model.drawn_tokens),
    (
        "pie_tokens_adopted",
        "Tokens that did not have to be computed, because they had been before.",
        lambda model: model.kv.adopted_tokens,
    ),
    ("pie_kv_evictions", "KV pages given to somebody else.", lambda model: model.kv.evictions),
    ("pie_preemptions", "Works that gave up their KV pages for others.", lambda model: model.preemptions),
    ("pie_driver_seconds", "Time that the driver has spent on batches.", lambda model: model.driver_s),
)
"""What a model has done since the start."""

HUB_GAUGES = {
    "connections": "WebSocket connections.",
    "sessions": "Connections that have logged in.",
    "attached": "Processes with a client that listens.",
    "kept_results": "Ended processes whose results wait for a client.",
    "kept_bytes": "Memory that these results take.",
    "uploads_bytes": "Memory of uploads on their way.",
    "requests_waiting": "Requests that wait behind others of their connection.",
}
HUB_COUNTERS = {
    "connections_refused": "WebSocket connections refused.",
    "logins_refused": "Logins refused.",
    "frames_in": "Frames from clients.",
    "frames_out": "Frames to clients.",
    "frames_bad": "Frames from clients that were no message.",
    "messages_ignored": "Signals, files and MCP answers that nobody was there for.",
}
"""What is taken over from the sessions' statistics: fields, and what they mean to people."""

KV_STATES = ("free", "resting", "leaving", "owned", "shared")


class Statistics(Collector):
    """Engine and sessions as metrics, made anew for each reading."""

    def __init__(self, engine: Callable[[], EngineStatistics], hub: Callable[[], HubStatistics]) -> None:
        self._engine = engine
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        engine = self._engine()
        yield _gauge("pie_info", "What runs here.", 1, version=version("pie-engine"))
        yield _gauge("pie_draining", "Whether nothing new is begun.", float(engine.draining))
        yield _gauge("pie_processes_live", "Processes that have not ended.", engine.processes.live)
        yield _counter("pie_processes_launched", "Processes launched.", engine.processes.launched)
        yield _ended(engine)
        yield from _of_models(engine.schedulers)
        yield from _of_hub(self._hub())


class ProcessMetrics:
    """What is measured of processes when they have ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "pie_process_seconds",
            "From a process's launch to its end, by how it ended.",
            ["state"],
            registry=registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self._first = Histogram(
            "pie_process_first_tokens_seconds",
            "From a process's launch to the first tokens that were computed for it.",
            registry=registry,
            buckets=LATENCY_BUCKETS_S,
        )

    def end(self, process: Process, now_ns: int) -> None:
        """`now_ns` is wall time, as the process's begin is."""
        self._seconds.labels(process.state).observe(max(0, now_ns - process.created_ns) / 1e9)
        if process.first_tokens_ns is not None:
            self._first.observe(max(0, process.first_tokens_ns - process.created_ns) / 1e9)


def _ended(engine: EngineStatistics) -> Metric:
    family = CounterMetricFamily("pie_processes_ended", "Processes that ended, by how.", labels=["state"])
    for state in ("returned", "failed", "terminated"):
        family.add_metric([state], getattr(engine.processes, state))
    return family


def _of_models(models: dict[str, SchedulerStatistics]) -> Iterator[Metric]:
    pages = GaugeMetricFamily("pie_kv_pages", "KV pages by what they are used for.", labels=["model", "state"])
    sizes = HistogramMetricFamily("pie_batch_size", "Requests in a batch.", labels=["model"])
    for name, model in models.items():
        for state in KV_STATES:
            pages.add_metric([name, state], getattr(model.kv, state))
        sizes.add_metric([name], _buckets(model), sum_value=model.requests)
    yield pages
    yield sizes
    for metric, meaning, reading in GAUGES:
        gauge = GaugeMetricFamily(metric, meaning, labels=["model"])
        for name, model in models.items():
            gauge.add_metric([name], reading(model))
        yield gauge
    for metric, meaning, reading in COUNTERS:
        counter = CounterMetricFamily(metric, meaning, labels=["model"])
        for name, model in models.items():
            counter.add_metric([name], reading(model))
        yield counter


def _of_hub(hub: HubStatistics) -> Iterator[Metric]:
    for name, meaning in HUB_GAUGES.items():
        yield _gauge(f"pie_{name}", meaning, getattr(hub, name))
    for name, meaning in HUB_COUNTERS.items():
        yield _counter(f"pie_{name}", meaning, getattr(hub, name))


def _buckets(model: SchedulerStatistics) -> list[tuple[str, float]]:
    """Batches by their upper bound of size, summed up as Prometheus has it."""
    bounds = [*(str(size - 1) for size in BATCH_SIZES[1:]), "+Inf"]
    return list(zip(bounds, map(float, accumulate(model.batch_sizes)), strict=True))


def _gauge(name: str, meaning: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=value)
