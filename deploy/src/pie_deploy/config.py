"""Configuration of the platform. The environment is read nowhere else."""
