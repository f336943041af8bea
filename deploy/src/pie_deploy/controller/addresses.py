"""Where sockets lie: in a folder per container, named after it, so that a restart finds the same. Each has a folder of its own
there: a sandbox shows a container its own and those that it has edges to, and no others, so that a producer cannot speak to a
consumer's endpoints as if it were the gateway.
"""

from pathlib import Path

from pie_deploy.errors import LauncherError
from pie_deploy.limits import SOCKET_PATH_BYTES_MAX


def control_folder(run: Path) -> Path:
    return run / "control"


def control_address(run: Path) -> str:
    """Where the control plane listens."""
    return _address(control_folder(run) / "socket")


def edge_address(run: Path, container_id: str, position: int) -> str:
    """Where a container listens for the edge into one of its inputs."""
    return _address(run / container_id / f"i{position}" / "s")


def endpoint_address(run: Path, container_id: str) -> str:
    """Where a container listens for the gateway."""
    return _address(run / container_id / "g" / "s")


def _address(path: Path) -> str:
    if len(bytes(path)) > SOCKET_PATH_BYTES_MAX:
        raise LauncherError(f"{path}: a socket's path has at most {SOCKET_PATH_BYTES_MAX} bytes; set TMPDIR to a shorter folder")
    return f"ipc://{path}"
