"""What a build needs besides the program: componentize-py, the interfaces (`wit/`) and the SDK (`inferlet`)."""

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from bakery.errors import ToolchainError


@dataclass(frozen=True, slots=True)
class Toolchain:
    wit: Path
    """Folder with the interfaces that a program may import."""
    sdk: Path
    """Folder of the package `inferlet`."""
    componentize_version: str


def find_toolchain() -> Toolchain:
    """Raises `ToolchainError`."""
    try:
        version = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolchainError("componentize-py is not installed: pip install bakery") from error
    return Toolchain(_wit_folder(), _sdk_folder(), version)


def _wit_folder() -> Path:
    """Beside this file in an installed bakery, at the top of the repository otherwise."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "wit", here.parents[5] / "wit"):
        if (folder / "runtime.wit").is_file():
            return folder
    raise ToolchainError(f"the interfaces (wit/) are missing from {here.parent}: install bakery again")


def _sdk_folder() -> Path:
    """Found without importing it: it can only be imported inside a component."""
    found = importlib.util.find_spec("inferlet")
    if found is None or not found.submodule_search_locations:
        raise ToolchainError("the package `inferlet` is not installed: pip install inferlet")
    return Path(next(iter(found.submodule_search_locations)))
