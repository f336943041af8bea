"""What the supervisor is told to run: argv, environment, and bwrap around it. Pure, but for a look at which paths exist."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pie_deploy.launchers.process import installation
from pie_flow.container import SPEC_VARIABLE, CommandProgram, ContainerSpec, InferletProgram

Command = Callable[[ContainerSpec, Path], Sequence[str]]

_SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SYSTEM_SETTINGS = (
    *("ssl", "ca-certificates", "ca-certificates.conf", "pki", "resolv.conf", "hosts", "nsswitch.conf", "passwd", "group"),
    *("localtime", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "protocols", "services", "mime.types", "fonts"),
)
_KERNEL_SETTINGS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/pressure")
"""What root may write without any capability: `/proc/sys/kernel/core_pattern` names a program that the kernel starts outside. bwrap
covers some of it, but not when it is root itself.
"""
_DEVICES = ("/dev/nvidiactl", "/dev/nvidia-uvm", *(f"/dev/nvidia{index}" for index in range(16)))
_SANDBOX_TMP = "/tmp"


def component_command(spec: ContainerSpec, environment: Path) -> Sequence[str]:
    """-P: a module in the working folder must not stand in for one of ours."""
    return (str(environment / "bin" / "python"), "-P", "-m", "pie_component")


def variables(
    spec: ContainerSpec, *, environment: Path, spec_path: Path, cpu: float, gpu: int, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a container."""
    threads = str(max(1, math.ceil(cpu)))
    chosen = {
        "PATH": _path(spec, environment),
        "HOME": spec.work_folder,
        "TMPDIR": str(Path(spec.work_folder) / "tmp"),
        "LANG": "C.UTF-8",
        "VIRTUAL_ENV": str(environment),
        SPEC_VARIABLE: str(spec_path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # what it would write next to is read only, or should be
        "OMP_NUM_THREADS": threads,  # numerical libraries take all cores of the machine otherwise, each
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    chosen |= inherited
    if spec.debug:
        chosen["PYTHONFAULTHANDLER"] = "1"
    if gpu == 0:
        chosen["CUDA_VISIBLE_DEVICES"] = ""
    return chosen


def _path(spec: ContainerSpec, environment: Path) -> str:
    """A command finds the platform's own programs too, after all others."""
    platform = f":{installation.programs()}" if isinstance(spec.program, CommandProgram) else ""
    return f"{environment}/bin:/usr/local/bin:/usr/bin:/bin{platform}"


def needs_network(spec: ContainerSpec) -> bool:
    return spec.network or bool(spec.ports) or isinstance(spec.program, InferletProgram)


def sandbox(
    spec: ContainerSpec, *, bwrap: str, environment: Path, spec_path: Path, handed: Path, hidden: Sequence[Path]
) -> list[str]:
    """bwrap and its options, to stand before the command.

    The container sees the system's programs and libraries, its environment, its component and its files read only; its own folders
    and the sockets of its edges read and write; and nothing else of the machine. `handed` is where files lie that it may be
    given while it runs; `hidden` are folders that it must not see, wherever they lie.
    """
    options = [
        bwrap,
        "--die-with-parent",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--cap-drop",
        "ALL",
    ]
    if not needs_network(spec):
        options.append("--unshare-net")
    options += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", _SANDBOX_TMP, "--tmpfs", "/dev/shm"]
    options += _flat(("--ro-bind-try", path, path) for path in _KERNEL_SETTINGS)
    for folder in _SYSTEM_FOLDERS:
        link = Path(folder)
        options += ["--symlink", str(link.readlink()), folder] if link.is_symlink() else ["--ro-bind-try", folder, folder]
    options += _flat(("--ro-bind-try", f"/etc/{name}", f"/etc/{name}") for name in _SYSTEM_SETTINGS)
    options += _flat(("--dev-bind", device, device) for device in _DEVICES if Path(device).exists())
    options += _flat(("--ro-bind-try", path, path) for path in _distinct(_read_only(spec, environment, spec_path, handed)))
    own = own_socket_folders(spec)
    for path in _distinct((spec.work_folder, spec.generated_folder, spec.cache_folder, *own)):
        options += ["--bind", path, path]
    for path in socket_folders(spec):
        if path not in own:  # one may connect to a socket in a folder that one cannot write
            options += ["--ro-bind", path, path]
    for secret in hidden:
        if any(secret.is_relative_to(visible) for visible in socket_folders(spec)):
            options += ["--tmpfs", str(secret)]
    # The sandbox's own folders; what is mounted in them stays as it is.
    return [*options, "--remount-ro", "/", "--remount-ro", "/dev", "--chdir", spec.work_folder, "--"]


def _read_only(spec: ContainerSpec, environment: Path, spec_path: Path, handed: Path) -> Iterable[str]:
    yield from (sys.base_prefix, sys.base_exec_prefix, str(environment), str(spec_path))
    if spec.component_folder is not None:
        yield spec.component_folder
    yield from spec.files.values()
    if spec.mutable_files:
        yield str(handed)
    if isinstance(spec.program, CommandProgram):
        yield from installation.folders()
    if isinstance(spec.program, InferletProgram) and spec.program.api_key_file is not None:
        yield spec.program.api_key_file


def own_socket_folders(spec: ContainerSpec) -> list[str]:
    """Where the container makes sockets."""
    return _socket_folders([spec.endpoint_address, *(slot.address for slot in spec.inputs)])


def socket_folders(spec: ContainerSpec) -> list[str]:
    """Where all the sockets lie that the container makes or connects to."""
    consumers = [address for slot in spec.outputs for address in slot.addresses]
    return _distinct([*own_socket_folders(spec), *_socket_folders([spec.control_address, *consumers])])


def _socket_folders(addresses: Iterable[str | None]) -> list[str]:
    paths = (Path(address.removeprefix("ipc://")) for address in addresses if address and address.startswith("ipc:///"))
    return _distinct(str(path.parent) for path in paths)


def _flat(options: Iterable[tuple[str, ...]]) -> list[str]:
    return [word for option in options for word in option]


def _distinct(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(paths))
