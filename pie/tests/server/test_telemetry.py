import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pie.clock import ManualClock
from pie.config.config import TelemetryConfig
from pie.errors import ServerError
from pie.processes.events import EventQueue
from pie.processes.process import Process
from pie.server.http_metrics import Request
from pie.server.telemetry import NoTraces, Traces, traces


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def test_a_process_is_a_span_from_its_launch_to_its_end(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    process = Process("p", "agent@1.0.0", "alice", "{}", 1_000, EventQueue(1, 1), state="returned")
    Traces(provider, ManualClock(5_000)).process(process)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.start_time, span.end_time) == ("process agent@1.0.0", 1_000, 5_000)
    assert span.attributes is not None
    assert (span.attributes["pie.user"], span.attributes["pie.state"]) == ("alice", "returned")


def test_a_request_is_a_span_with_the_time_to_its_first_token(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    request = Request(began_s=10.0, status=200, first_chunk_s=10.5)
    Traces(provider, ManualClock(10_000_000_000)).request("/v1/models", request, ended_s=12.0)
    (span,) = exporter.get_finished_spans()
    assert (span.start_time, span.end_time) == (8_000_000_000, 10_000_000_000)
    assert span.attributes is not None
    assert (span.attributes["http.response.status_code"], span.attributes["pie.first_chunk_s"]) == (200, 0.5)


def test_switched_off_nothing_is_imported_and_nothing_happens() -> None:
    silent = traces(TelemetryConfig(), ManualClock())
    assert type(silent) is NoTraces
    silent.close()


def test_without_the_packages_it_is_said_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ServerError, match=r"pip install 'pie-engine\[telemetry\]'"):
        traces(TelemetryConfig(enabled=True), ManualClock())


def test_switched_on_spans_go_to_the_collector_of_the_configuration() -> None:
    telemetry = traces(TelemetryConfig(enabled=True, endpoint="http://127.0.0.1:9/"), ManualClock())
    assert isinstance(telemetry, Traces)
    telemetry.close()
