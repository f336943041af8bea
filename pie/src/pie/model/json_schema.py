"""JSON schemas as they are meant when they describe what a model should write. Pure."""

from typing import Any

Schema = dict[str, Any]

_OF_ONE = ("items", "additionalProperties", "additionalItems", "contains", "not", "if", "then", "else")
_OF_SEVERAL = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_OPENS = ("additionalProperties", "unevaluatedProperties", "patternProperties")


def closed(schema: Any) -> Any:
    """The schema with objects that list their properties closed to others, unless they say something about others themselves.

    Schemas put together by `allOf`, where one part knows of properties that another does not list, stay as they are.
    """
    return schema if _joins(schema) else _closed(schema)


def _closed(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for key in _OF_ONE:
        if isinstance(made.get(key), dict):
            made[key] = _closed(made[key])
    for key in _OF_SEVERAL:
        if isinstance(made.get(key), list):
            made[key] = [_closed(one) for one in made[key]]
    for key in _BY_NAME:
        if isinstance(made.get(key), dict):
            made[key] = {name: _closed(one) for name, one in made[key].items()}
    if "properties" in made and not any(key in made for key in _OPENS):
        made["additionalProperties"] = False
    return made


def _joins(value: Any) -> bool:
    """Whether schemas are put together: `allOf` of several, or `properties` beside alternatives or a reference."""
    if isinstance(value, list):
        return any(map(_joins, value))
    if not isinstance(value, dict):
        return False
    several = isinstance(value.get("allOf"), list) and len(value["allOf"]) > 1
    beside = "properties" in value and any(key in value for key in ("allOf", "anyOf", "oneOf", "$ref", "if"))
    return several or beside or any(map(_joins, value.values()))
