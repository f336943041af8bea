from pie.model.json_schema import closed

LISTED = {"properties": {"a": {}}}
CLOSED = {**LISTED, "additionalProperties": False}


def test_objects_are_closed_wherever_they_are():
    schema = {
        "items": LISTED,
        "prefixItems": [LISTED],
        "anyOf": [LISTED, {"type": "string"}],
        "$defs": {"x": LISTED},
        "additionalProperties": LISTED,
    }
    assert closed(schema) == {
        "items": CLOSED,
        "prefixItems": [CLOSED],
        "anyOf": [CLOSED, {"type": "string"}],
        "$defs": {"x": CLOSED},
        "additionalProperties": CLOSED,
    }


def test_who_says_something_about_other_properties_is_left_alone():
    for key in ("additionalProperties", "unevaluatedProperties", "patternProperties"):
        assert closed({**LISTED, key: True}) == {**LISTED, key: True}


def test_an_object_that_lists_nothing_is_any_object():
    assert closed({"type": "object"}) == {"type": "object"}


def test_values_are_not_schemas():
    for key in ("const", "default", "enum", "examples"):
        assert closed({key: [LISTED]}) == {key: [LISTED]}


def test_schemas_put_together_stay_open():
    for schema in ({"allOf": [LISTED, {"$ref": "#/$defs/x"}]}, {**LISTED, "anyOf": [LISTED]}):
        assert closed(schema) == schema


def test_the_schema_given_is_not_changed():
    schema = {"items": {"properties": {"a": {}}}}
    closed(schema)
    assert schema == {"items": {"properties": {"a": {}}}}
