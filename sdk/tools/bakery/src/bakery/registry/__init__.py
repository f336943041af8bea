"""The registry's server: where programs are published, and found by engines. `bakery registry serve`."""
