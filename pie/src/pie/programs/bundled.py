"""The example programs that come with Pie, as source."""

from collections.abc import Mapping
from pathlib import Path

from pie.errors import ProgramNotFoundError
from pie_wire.shape import nearest

_PACKAGED = Path(__file__).parents[1] / "data" / "inferlets"
_CHECKED_OUT = Path(__file__).parents[4] / "inferlets"


def folder() -> Path:
    """Where the examples are: in the installed package, or beside its source in a checkout."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKED_OUT


def sources(examples: Path) -> Mapping[str, Path]:
    """The examples in a folder: name → project folder."""
    found = sorted(examples.iterdir()) if examples.is_dir() else []
    return {path.name: path for path in found if (path / "Pie.toml").is_file()}


def source(name: str, examples: Path) -> Path:
    """The project folder of one example. Raises `ProgramNotFoundError`, with the nearest name."""
    known = sources(examples)
    if name in known:
        return known[name]
    close = nearest(name, list(known))
    hint = f"did you mean '{close}'?" if close else f"there are: {', '.join(known) or 'none'}"
    raise ProgramNotFoundError(f"no program '{name}'; {hint} (a folder or a .py file is given as a path: ./{name})")
