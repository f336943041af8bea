"""The one place that wires the platform: store, services, launchers, controller, gateway, API."""
