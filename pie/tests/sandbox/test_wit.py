import pytest

from pie.sandbox.wit import Function, List, Option, Record, Scalar, String, Unsupported, compatible

PAIRS = [
    ("wasi:io/poll@0.2.0", "wasi:io/poll@0.2.12", True),
    ("wasi:io/poll@0.2.9", "wasi:io/poll@0.3.0", False),
    ("wasi:io/poll@1.2.0", "wasi:io/poll@1.9.3", True),
    ("wasi:io/poll@1.2.0", "wasi:io/poll@2.0.0", False),
    ("wasi:io/poll@0.0.1", "wasi:io/poll@0.0.2", False),
    ("wasi:io/poll@0.2.0-rc1", "wasi:io/poll@0.2.0", False),
    ("wasi:io/poll@0.2.0", "wasi:io/streams@0.2.0", False),
    ("pie:x/run", "pie:x/run", True),
    ("pie:x/run", "pie:x/run@0.1.0", False),
]


@pytest.mark.parametrize(("one", "two", "expected"), PAIRS)
def test_versions_are_compatible_as_semantic_versioning_has_it(one, two, expected):
    assert compatible(one, two) is expected
    assert compatible(two, one) is expected


def test_functions_of_equal_types_are_equal():
    one, two = (Function((List(Scalar("u8")),), String()) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Function((List(Scalar("s8")),), String())


def test_a_function_is_supported_if_all_its_types_are():
    assert Function((String(),), None).is_supported()
    assert not Function((String(),), Option(Record((("x", Unsupported(23)),)))).is_supported()
