"""What an operator may choose, and where Pie keeps its files. Nothing else reads the environment.

from pie.config import AuthConfig, Config
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
