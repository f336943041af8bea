from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from pie.processes.events import EventQueue
from pie.processes.process import Process
from pie.sched.statistics import BATCH_SIZES
from pie.server.metrics import ProcessMetrics, Statistics
from pie.server.status import status
from server_fakes.statistics import ENGINE, HUB, MODEL


def sample(name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(Statistics(lambda: ENGINE, lambda: HUB))
    return registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("pie_processes_live", {}, 2),
        ("pie_processes_launched_total", {}, 9),
        ("pie_processes_ended_total", {"state": "failed"}, 2),
        ("pie_kv_pages", {"model": "m", "state": "resting"}, 20),
        ("pie_tokens_computed_total", {"model": "m"}, 1000),
        ("pie_tokens_adopted_total", {"model": "m"}, 64),
        ("pie_driver_seconds_total", {"model": "m"}, 1.5),
        ("pie_connections", {}, HUB.connections),
        ("pie_frames_bad_total", {}, HUB.frames_bad),
        ("pie_draining", {}, 0),
    ],
)
def test_statistics_become_metrics(name: str, labels: dict[str, str], value: float) -> None:
    assert sample(name, **labels) == value


def test_batch_sizes_become_a_histogram() -> None:
    assert sample("pie_batch_size_bucket", model="m", le="1") == 4
    assert sample("pie_batch_size_bucket", model="m", le="3") == 7
    assert sample("pie_batch_size_bucket", model="m", le="+Inf") == 10 == sample("pie_batch_size_count", model="m")
    assert sample("pie_batch_size_sum", model="m") == 40
    assert len(BATCH_SIZES) == len(MODEL.batch_sizes)


def test_the_status_tells_models_processes_and_phase() -> None:
    answer = status(ENGINE, HUB, phase="ready", uptime_s=12.34567, drivers={"m": "torch on cpu"})
    assert answer["phase"] == "ready"
    assert answer["uptime_s"] == 12.346
    assert answer["processes"] == {"live": 2, "launched": 9, "returned": 4, "failed": 2, "terminated": 1}
    assert isinstance(answer["models"], dict)
    assert answer["models"]["m"]["driver"] == "torch on cpu"
    assert (answer["models"]["m"]["kv_pages_used"], answer["models"]["m"]["kv_pages"]) == (30, 100)


def test_a_draining_server_says_so_while_it_is_ready() -> None:
    draining = replace(ENGINE, draining=True)
    phases = [status(draining, HUB, phase=phase, uptime_s=0, drivers={"m": ""})["phase"] for phase in ("ready", "stopping")]
    assert phases == ["draining", "stopping"]


def test_processes_are_timed_to_their_first_tokens_and_to_their_end() -> None:
    registry = CollectorRegistry()
    processes = ProcessMetrics(registry)
    computed = Process("p", "agent@1.0.0", "alice", "{}", 0, EventQueue(1, 1), state="returned", first_tokens_ns=2_000_000_000)
    idle = Process("q", "agent@1.0.0", "alice", "{}", 0, EventQueue(1, 1), state="failed")
    for process in (computed, idle):
        processes.end(process, now_ns=5_000_000_000)
    assert registry.get_sample_value("pie_process_seconds_sum", {"state": "returned"}) == 5
    assert registry.get_sample_value("pie_process_seconds_count", {"state": "failed"}) == 1
    assert registry.get_sample_value("pie_process_first_tokens_seconds_sum") == 2
    assert registry.get_sample_value("pie_process_first_tokens_seconds_count") == 1
