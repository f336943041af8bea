"""YAML from strangers, and for people: the part of it that is JSON with better manners.

Read: one document of mappings with text keys, sequences, text, integers, decimal numbers, true, false and null. No anchors and
aliases (a few bytes could stand for billions of nodes), no tags, no key twice, no words that turn into something else (`no` and
`2026-01-01` are text). Size, nesting and number of nodes are bounded. Written: what is read back as the same value.
"""

import math
import re
from typing import Any

import yaml  # type: ignore[import-untyped]

from pie_deploy.errors import ManifestError
from pie_deploy.limits import YAML_DEPTH_MAX, YAML_NODES_MAX, YAML_NUMBER_CHARACTERS_MAX

_WORDS: dict[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z", re.ASCII)

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str | bytes, name: str, *, bytes_max: int) -> Any:
    """The value of a YAML text. `name` says in errors what is read (`component.yml`). Raises ManifestError with line and column."""
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="surrogatepass"))
    if size > bytes_max:
        raise ManifestError(f"{name} has {size} bytes; at most {bytes_max} are read")
    try:
        loader = _Loader(text if isinstance(text, str) else text.decode())
        try:
            return _Builder(name).build(loader)
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise ManifestError(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        raise ManifestError(f"{name}{_place(error.problem_mark)}: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ManifestError(f"{name} is not YAML: {error}") from error


def dump_yaml(value: object) -> str:
    """YAML that `load_yaml` reads as the same value, keys in their order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _Builder:
    """Makes values of the parser's events; nothing of the loader's own constructors is used."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes = 0

    def build(self, loader: Any) -> object:
        loader.get_event()  # start of the stream
        if loader.check_event(yaml.StreamEndEvent):
            return None
        loader.get_event()  # start of the document
        value = self._value(loader, 0)
        loader.get_event()  # end of the document
        if not loader.check_event(yaml.StreamEndEvent):
            raise self._refusal("there is more than one document", loader.peek_event())
        return value

    def _value(self, loader: Any, depth: int) -> object:
        event = loader.get_event()
        self._check(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(loader, depth + 1)
        return self._mapping(loader, depth + 1)

    def _check(self, event: Any, depth: int) -> None:
        self._nodes += 1
        if self._nodes > YAML_NODES_MAX:
            raise self._refusal(f"there are more than {YAML_NODES_MAX} values", event)
        if depth > YAML_DEPTH_MAX:
            raise self._refusal(f"it nests deeper than {YAML_DEPTH_MAX}", event)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refusal("anchors and aliases are not read", event)
        if event.tag is not None:
            raise self._refusal("tags are not read", event)

    def _scalar(self, event: Any) -> object:
        if event.style:  # quoted, or a block
            return event.value
        try:
            return _plain(event.value)
        except ValueError as error:
            raise self._refusal(str(error), event) from error

    def _sequence(self, loader: Any, depth: int) -> list[object]:
        items: list[object] = []
        while not loader.check_event(yaml.SequenceEndEvent):
            items.append(self._value(loader, depth))
        loader.get_event()
        return items

    def _mapping(self, loader: Any, depth: int) -> dict[str, object]:
        fields: dict[str, object] = {}
        while not loader.check_event(yaml.MappingEndEvent):
            event = loader.peek_event()
            key = self._key(loader, depth)
            if key in fields:
                raise self._refusal(f"{key!r} stands twice", event)
            fields[key] = self._value(loader, depth)
        loader.get_event()
        return fields

    def _key(self, loader: Any, depth: int) -> str:
        event = loader.get_event()
        self._check(event, depth)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refusal("a key is text", event)
        text: str = event.value
        return text

    def _refusal(self, problem: str, event: Any) -> ManifestError:
        return ManifestError(f"{self._name}{_place(event.start_mark)}: {problem}")


def _plain(text: str) -> object:
    """The value of a scalar without quotes. Raises ValueError when a number is too long to be one."""
    if text in _WORDS:
        return _WORDS[text]
    if _is_text(text):
        return text
    if len(text) > YAML_NUMBER_CHARACTERS_MAX:
        raise ValueError(f"a number has at most {YAML_NUMBER_CHARACTERS_MAX} characters")
    value = int(text) if _INTEGER.match(text) else float(text)
    if value in (math.inf, -math.inf):
        raise ValueError("a number is too large")
    return value


def _is_text(text: str) -> bool:
    """Whether a scalar means itself when it has no quotes."""
    return text not in _WORDS and not (text[0] in "-+0123456789" and _DECIMAL.match(text))


def _place(mark: Any) -> str:
    return "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    """Quoted when its plain form would be read as something else."""
    style = None if _is_text(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
