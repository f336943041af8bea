"""The data plane: forwarding tokens to containers."""

from pie_deploy.gateway.gateway import Gateway
from pie_deploy.gateway.statistics import GatewayStatistics

__all__ = ["Gateway", "GatewayStatistics"]
