"""What is counted of HTTP requests. Labels are routes and not paths, so that nobody makes us count without end."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""From a health check to a long answer of a slow model."""

NO_ROUTE = "none"


@dataclass(slots=True)
class Request:
    """One request in the making."""

    began_s: float
    status: int = 500
    """What it is if the application says nothing: it failed."""
    first_chunk_s: float | None = None


class HttpMetrics:
    """`now_s` is monotonic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.in_flight = 0
        self._requests = Counter("pie_http_requests", "HTTP requests answered.", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "pie_http_request_seconds",
            "From an HTTP request to the end of its answer.",
            ["route"],
            registry=registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self._first = Histogram(
            "pie_http_first_chunk_seconds",
            "From an HTTP request to the first bytes of its answer; of a stream, to the first token.",
            ["route"],
            registry=registry,
            buckets=LATENCY_BUCKETS_S,
        )

    def begin(self, now_s: float) -> Request:
        self.in_flight += 1
        return Request(now_s)

    def sent(self, request: Request, message_type: str, status: int, has_body: bool, now_s: float) -> None:
        """The application sends a message of its answer."""
        if message_type == "http.response.start":
            request.status = status
        elif has_body and request.first_chunk_s is None:
            request.first_chunk_s = now_s

    def end(self, request: Request, route: str, now_s: float) -> None:
        self.in_flight -= 1
        self._requests.labels(route, str(request.status)).inc()
        self._seconds.labels(route).observe(now_s - request.began_s)
        if request.first_chunk_s is not None:
            self._first.labels(route).observe(request.first_chunk_s - request.began_s)
