"""What an operator may choose, and where Pie keeps its files. Nothing else reads the environment.

Here are the classes for whoever embeds a server; the package itself imports them from their modules.
"""

from pie.config.config import (
    AuthConfig,
    Config,
    DriverConfig,
    DriverOptions,
    LimitsConfig,
    ModelConfig,
    OpenAIConfig,
    RuntimeConfig,
    ServerConfig,
    TelemetryConfig,
)
from pie.config.home import Home

__all__ = [
    "AuthConfig",
    "Config",
    "DriverConfig",
    "DriverOptions",
    "Home",
    "LimitsConfig",
    "ModelConfig",
    "OpenAIConfig",
    "RuntimeConfig",
    "ServerConfig",
    "TelemetryConfig",
]
