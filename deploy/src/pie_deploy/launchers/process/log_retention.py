"""Logs outlive their containers, for a while."""

import shutil
from pathlib import Path

from pie_deploy.config import Home
from pie_deploy.limits import LOG_RETENTION_S


def sweep_logs(home: Home, now_s: float) -> None:
    """Deletes the logs of containers that are gone and that nobody has written to for the retention time. Blocking."""
    for folder in home.logs.iterdir():
        is_gone = not (home.containers / folder.name).exists()
        if folder.is_dir() and is_gone and _written_at_s(folder) < now_s - LOG_RETENTION_S:
            shutil.rmtree(folder, ignore_errors=True)


def _written_at_s(folder: Path) -> float:
    return max((file.stat().st_mtime for file in folder.iterdir()), default=folder.stat().st_mtime)
