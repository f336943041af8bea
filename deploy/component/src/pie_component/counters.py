"""What a worker counts."""


class Counters:
    def __init__(self) -> None:
        self.ticks = 0
        """Invocations of the component's function."""
        self.failures = 0
        """Of those, how many raised or gave what they may not."""
        self.dropped_subscribers = 0
        """Of egress endpoints, because they read too slowly."""
        self.refused_requests = 0
        """Answered 503: a bound was reached."""
