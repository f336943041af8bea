"""From untyped values to structs, with errors that name the field down to the key of a mapping (msgspec says `[...]` there)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from pie_deploy.domain.manifest_structs import NAME_PATTERN, NAME_RULE
from pie_deploy.domain.suggestion import hint

T = TypeVar("T")

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>[0-9]+)\]|(?P<any>\[\.\.\.\])")


class FieldError(ValueError):
    """The message starts with the field: `worker.config_schema.lower.type: expected str, got int`."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def convert(value: object, kind: type[T]) -> T:
    """The struct that a value of mappings, lists and scalars describes. Raises FieldError."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise FieldError(_message(error, value, kind), _hint(str(error), kind)) from error


def _hint(error: str, kind: type) -> str:
    """Which fields there are, where one is unknown; what a name is, where something is none."""
    text, _, place = error.partition(" - at `")
    if NAME_PATTERN in text:
        return NAME_RULE
    found = _UNKNOWN.fullmatch(text)
    return "" if found is None else hint(found["field"], sorted(_fields_at(inspect.type_info(kind), place)))


def _fields_at(kind: inspect.Type, place: str) -> set[str]:
    """The fields of the structs that may stand at a path of msgspec's."""
    kinds: Sequence[inspect.Type] = [kind]
    for match in _STEP.finditer(place.rstrip("`")):
        kinds = [inner for one in kinds for inner in _inner(one, match["name"])]
    return {field.encode_name for one in kinds for struct in _alternatives(one) for field in getattr(struct, "fields", ())}


def _inner(kind: inspect.Type, name: str | None) -> Iterator[inspect.Type]:
    """What stands in a struct's field, or (name: None) in a mapping or list."""
    for one in _alternatives(kind):
        if isinstance(one, inspect.StructType):
            yield from (field.type for field in one.fields if field.encode_name == name)
        elif isinstance(one, inspect.DictType):
            yield one.value_type
        elif isinstance(one, inspect.ListType | inspect.VarTupleType):
            yield one.item_type


def _alternatives(kind: inspect.Type) -> Sequence[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _alternatives(kind.type)
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _message(error: msgspec.ValidationError, value: object, kind: type) -> str:
    text, _, place = str(error).partition(" - at `")
    in_key = place.startswith("key` in `")
    path = place.removeprefix("key` in `").rstrip("`") + ("[...]" if in_key else "")
    field = "".join(_named(str(error), path, value, kind)).removeprefix(".")
    text = f"{text[:1].lower()}{text[1:]}".replace("`", "")
    return f"{field}: {text}" if field else text


def _named(error: str, path: str, value: object, kind: type) -> list[str]:
    """The steps of a path, with the keys for which msgspec has only `[...]`."""
    steps: list[str] = []
    keys: list[str | int] = []
    for match in _STEP.finditer(path):
        if match["any"]:
            key = _culprit(error, value, keys, kind)
            keys.append(key)
            steps.append(f".{key[:80]}")
            value = _with(value, keys[:-1], {key: _at(value, keys)})
        else:
            keys.append(int(match["index"]) if match["index"] else match["name"])
            steps.append(match[0])
    return steps


def _culprit(error: str, value: object, keys: list[str | int], kind: type) -> str:
    """The key of the mapping at `keys` that gives the error: found by halves, because there may be thousands."""
    suspects: list[tuple[str, Any]] = list(_at(value, keys).items())
    while len(suspects) > 1:
        half = suspects[: len(suspects) // 2]
        try:
            msgspec.convert(_with(value, keys, dict(half)), kind)
        except msgspec.ValidationError as found:
            if str(found) == error:
                suspects = half
                continue
        suspects = suspects[len(half) :]
    return suspects[0][0]


def _at(value: Any, keys: list[str | int]) -> Any:
    for key in keys:
        value = value[key]
    return value


def _with(value: Any, keys: list[str | int], part: object) -> Any:
    """A copy of the value with another part at a place."""
    if not keys:
        return part
    inner = _with(value[keys[0]], keys[1:], part)
    if isinstance(value, dict):
        return {**value, keys[0]: inner}
    return [*value[: keys[0]], inner, *value[keys[0] + 1 :]]  # type: ignore[operator]
