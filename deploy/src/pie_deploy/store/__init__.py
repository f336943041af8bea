"""Storage by SQLAlchemy Core: SQLite or PostgreSQL. SQL stands nowhere else."""
