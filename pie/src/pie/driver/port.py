"""The driver port: what the scheduler needs from anything that runs forward passes."""

from typing import Protocol

from pie.driver.messages import Batch, BatchResult, DriverLimits


class Driver(Protocol):
    """Runs batches in the order they are handed in. One owner, one event loop."""

    async def start(self) -> DriverLimits:
        """Load the model. Raises `ModelError` if it cannot be loaded, `DriverError` if the driver cannot be started."""
        ...

    async def forward(self, batch: Batch) -> BatchResult:
        """Compute a batch. Up to `batches_in_flight_max` calls may be waiting at a time; they end in the order they began.

        Raises `DriverError` if this batch failed, and `DriverLostError` if the driver and all KV with it is gone; the driver then
        restarts itself and later calls wait for it.
        """
        ...

    @property
    def generation(self) -> int:
        """How often the driver has been (re)started: KV written under another generation is gone."""
        ...

    async def close(self) -> None:
        """Stop and free everything. Safe to call twice."""
        ...
