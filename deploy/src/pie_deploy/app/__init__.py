"""The one place that wires the platform: store, services, launchers, controller, gateway, API."""

from pie_deploy.app.platform import Platform

__all__ = ["Platform"]
