"""Parameters and files of a component as its author reads them: `config.threshold`, `files.weights`, `generated("report")`.

Values come as literals and are typed by the slot. Mutable ones change between two invocations, on the thread that runs the
component's function: the subscribers are asked first, and one that raises keeps the old value.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pie_component.errors import ConfigError, NotInContainerError, PreconditionError
from pie_component.logs import log
from pie_flow.catalogue import CATALOGUE
from pie_flow.container import ParameterSpec
from pie_flow.errors import FlowError
from pie_flow.literals import parse_literal
from pie_flow.types import Type

Subscriber = Callable[[str, Any, Any], object]
"""Gets (name, old, new): a value of the parameter's type, or the path of a file."""

S = TypeVar("S", bound=Subscriber)


class Config:
    """The component's parameters as attributes."""

    def __init__(self) -> None:
        self.__dict__["_types"] = None
        self.__dict__["_values"] = {}
        self.__dict__["_subscribers"] = []

    _types: dict[str, Type] | None
    _values: dict[str, Any]
    _subscribers: list[Subscriber]

    def __getattr__(self, name: str) -> Any:
        """Raises ConfigError, an AttributeError, for what the manifest does not declare or the vertex was not given."""
        try:
            return self._values[name]
        except KeyError:
            raise self._missing(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise ConfigError(f"config.{name} is set on the vertex, with `pie backend change-parameter`, not in the component")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def subscribe(self, callback: S) -> S:
        """Be told of new values, between two invocations: `@config.subscribe`. Raising refuses the value."""
        self._subscribers.append(callback)
        return callback

    def typed(self) -> list[tuple[str, Any, Type]]:
        """Every parameter that has a value: name, value, type."""
        types = self._types or {}
        return [(name, value, types[name]) for name, value in self._values.items()]

    def _missing(self, name: str) -> Exception:
        if self._types is None:
            if name.startswith("__"):  # what pickle, copy and inspect ask every object for
                return AttributeError(name)
            return NotInContainerError(f"config.{name}: only a container has a configuration; try `pie component test`")
        known = ", ".join(sorted(self._values)) or "none"
        return ConfigError(f"config.{name}: no such parameter with a value; there are: {known}")


class Files:
    """The component's files as attributes: the path bound to each slot."""

    def __init__(self) -> None:
        self.__dict__["_paths"] = None

    _paths: dict[str, Path] | None

    def __getattr__(self, name: str) -> Path:
        """Raises ConfigError for a slot that is not declared or has no file."""
        if self._paths is None:
            if name.startswith("__"):
                raise AttributeError(name)
            raise NotInContainerError(f"files.{name}: only a container has files; try `pie component test`")
        try:
            return self._paths[name]
        except KeyError:
            raise ConfigError(
                f"files.{name}: no file is bound there; there are: {', '.join(sorted(self._paths)) or 'none'}"
            ) from None

    def get(self, name: str) -> Path | None:
        """The path, or None for a slot without a file."""
        return (self._paths or {}).get(name)


class Settings:
    """What `config` and `files` show, and how it changes."""

    def __init__(self, config: Config, files: Files) -> None:
        self._config = config
        self._files = files
        self._mutable: frozenset[str] = frozenset()
        self._mutable_files: frozenset[str] = frozenset()
        self.seq = 0
        """Of the operation whose values these are."""

    def load(
        self, parameters: Mapping[str, ParameterSpec], paths: Mapping[str, str], mutable_files: tuple[str, ...], seq: int
    ) -> None:
        """Take the values of the start. Raises PreconditionError, naming the parameter or slot."""
        types, values = {}, {}
        for name, parameter in parameters.items():
            try:
                types[name] = CATALOGUE.parse(parameter.type)
                values[name] = parse_literal(parameter.value, types[name])
            except FlowError as error:
                raise PreconditionError(f"parameter {name}: {error}") from error
        missing = [f"{slot} ({path})" for slot, path in paths.items() if not Path(path).exists()]
        if missing:
            raise PreconditionError(f"files that are not there: {', '.join(missing)}")
        self._config.__dict__.update(_types=types, _values=values)
        self._files.__dict__["_paths"] = {slot: Path(path) for slot, path in paths.items()}
        self._mutable = frozenset(name for name, parameter in parameters.items() if parameter.mutable)
        self._mutable_files = frozenset(mutable_files)
        self.seq = seq

    def change(self, seq: int, parameters: Mapping[str, str], paths: Mapping[str, str]) -> dict[str, str]:
        """Take new values. Returns what went wrong, by parameter or slot: those keep their old values."""
        errors = {}
        for name, text in parameters.items():
            problem = self._change_parameter(name, text)
            if problem is not None:
                errors[name] = problem
        for slot, path in paths.items():
            problem = self._change_file(slot, path)
            if problem is not None:
                errors[slot] = problem
        self.seq = max(seq, self.seq)
        return errors

    def _change_parameter(self, name: str, text: str) -> str | None:
        if name not in self._mutable:
            return "not a mutable parameter"
        values = self._config._values
        try:
            new = parse_literal(text, (self._config._types or {})[name])
        except FlowError as error:
            return str(error)
        return self._announced(name, values, new)

    def _change_file(self, slot: str, path: str) -> str | None:
        paths = self._files._paths
        if slot not in self._mutable_files or paths is None:
            return "not a mutable file slot"
        new = Path(path)
        return self._announced(slot, paths, new) if new.exists() else f"{path} is not there"

    def _announced(self, name: str, values: dict[str, Any], new: Any) -> str | None:
        """Show the new value, then ask the subscribers; put the old one back if one of them raises."""
        old = values.get(name)
        values[name] = new
        if _equal(old, new):
            return None
        try:
            for subscriber in self._config._subscribers:
                subscriber(name, old, new)
        except Exception as error:  # whatever the author's hook raises
            log.exception("the new value of %s was refused", name)
            if old is None:
                del values[name]
            else:
                values[name] = old
            return f"{type(error).__name__}: {error}"
        return None


def _equal(old: Any, new: Any) -> bool:
    try:
        return bool(old == new)
    except ValueError:  # arrays
        return False
