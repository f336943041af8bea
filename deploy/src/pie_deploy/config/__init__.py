"""Configuration of the platform, and where it keeps things. The environment is read nowhere else."""

from pie_deploy.config.home import HOME_VARIABLE, Home, default_home
from pie_deploy.config.settings import ApiConfig, Config, GatewayConfig, LimitsConfig, ProcessConfig, RuntimeConfig, UserConfig

__all__ = [
    "HOME_VARIABLE",
    "ApiConfig",
    "Config",
    "GatewayConfig",
    "Home",
    "LimitsConfig",
    "ProcessConfig",
    "RuntimeConfig",
    "UserConfig",
    "default_home",
]
