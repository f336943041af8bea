"""OpenTelemetry traces: a span for each HTTP request and for each process, told when it has ended.

Nothing is imported unless traces are wanted: the packages are an extra of the distribution.
"""

from typing import TYPE_CHECKING

from pie.clock import Clock
from pie.config.config import TelemetryConfig
from pie.errors import ServerError
from pie.limits import TELEMETRY_TIMEOUT_S
from pie.processes.process import Process
from pie.server.http_metrics import Request

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class NoTraces:
    """Telemetry is off."""

    def request(self, route: str, request: Request, ended_s: float) -> None:
        pass

    def process(self, process: Process) -> None:
        pass

    def close(self) -> None:
        pass


class Traces(NoTraces):
    """Spans of what has ended, sent in the background."""

    def __init__(self, provider: "TracerProvider", clock: Clock) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("pie")
        self._clock = clock

    def request(self, route: str, request: Request, ended_s: float) -> None:
        """An HTTP request has been answered; times are monotonic."""
        now_ns = self._clock.wall_ns()
        attributes: dict[str, str | int | float] = {"http.route": route, "http.response.status_code": request.status}
        if request.first_chunk_s is not None:
            attributes["pie.first_chunk_s"] = request.first_chunk_s - request.began_s
        began_ns = now_ns - round((ended_s - request.began_s) * 1e9)
        self._tracer.start_span(f"HTTP {route}", start_time=began_ns, attributes=attributes).end(now_ns)

    def process(self, process: Process) -> None:
        """A process has ended."""
        attributes: dict[str, str | int] = {
            "pie.process": process.id,
            "pie.program": process.program,
            "pie.user": process.username,
            "pie.state": process.state,
            "pie.tokens": process.tokens,
        }
        span = self._tracer.start_span(f"process {process.program}", start_time=process.created_ns, attributes=attributes)
        span.end(self._clock.wall_ns())

    def close(self) -> None:
        """Send what has not been sent yet. Blocks, for a few seconds at most."""
        self._provider.shutdown()


def traces(config: TelemetryConfig, clock: Clock) -> NoTraces:
    """What to tell about requests and processes. Raises `ServerError` if the packages are not installed."""
    if not config.enabled:
        return NoTraces()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ServerError("telemetry.enabled needs packages: pip install 'pie-engine[telemetry]'") from error
    provider = TracerProvider(resource=Resource.create({"service.name": config.service_name}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{config.endpoint.rstrip('/')}/v1/traces", timeout=TELEMETRY_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Traces(provider, clock)
