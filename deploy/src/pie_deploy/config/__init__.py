"""Configuration of the platform, and where it keeps things. The environment is read nowhere else."""

from pie_deploy.config.home import HOME_VARIABLE, Home, default_home
from pie_deploy.config.settings import Config, RuntimeConfig

__all__ = ["HOME_VARIABLE", "Config", "Home", "RuntimeConfig", "default_home"]
