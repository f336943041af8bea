"""Where sockets lie. Each is in the platform's short folder, named after its container, so that a restart finds the same."""

from pathlib import Path

from pie_deploy.errors import LauncherError
from pie_deploy.limits import SOCKET_PATH_BYTES_MAX


def control_address(run: Path) -> str:
    """Where the control plane listens."""
    return _address(run / "control")


def edge_address(run: Path, container_id: str, position: int) -> str:
    """Where a container listens for the edge into one of its inputs."""
    return _address(run / f"{container_id}.{position}")


def endpoint_address(run: Path, container_id: str) -> str:
    """Where a container listens for the gateway."""
    return _address(run / f"{container_id}.e")


def _address(path: Path) -> str:
    if len(bytes(path)) > SOCKET_PATH_BYTES_MAX:
        raise LauncherError(f"{path}: a socket's path has at most {SOCKET_PATH_BYTES_MAX} bytes; set TMPDIR to a shorter folder")
    return f"ipc://{path}"
