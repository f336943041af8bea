"""Configuration of the platform, and where it keeps things. The environment is read nowhere else."""

from pie_deploy.config.home import HOME_VARIABLE, Home, default_home

__all__ = ["HOME_VARIABLE", "Home", "default_home"]
