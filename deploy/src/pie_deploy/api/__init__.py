"""The control plane's REST interface: resources under `/v1`, their errors, event streams."""

from pie_deploy.api.app import create_app

__all__ = ["create_app"]
