"""Who computes what next: continuous batching over one driver. A pure core (`core`) and the asyncio shell around it
(`scheduler`)."""
