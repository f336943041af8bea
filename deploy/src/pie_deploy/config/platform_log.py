"""Where a control plane in the background writes what it would say on a terminal, and how large that becomes."""

from pathlib import Path

from pie_deploy.config.home import Home
from pie_deploy.limits import PLATFORM_LOG_BYTES_MAX


def platform_log(home: Home) -> Path:
    return home.logs / "platform.log"


def is_large(log: Path) -> bool:
    """Time for a new one. Raises OSError but for a log that is not there."""
    try:
        return log.stat().st_size > PLATFORM_LOG_BYTES_MAX
    except FileNotFoundError:
        return False


def put_away(log: Path) -> None:
    """In place of the one before it. Raises OSError."""
    log.replace(log.with_name(f"{log.name}.1"))
