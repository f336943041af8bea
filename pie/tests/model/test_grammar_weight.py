import pytest

from pie.errors import GrammarError
from pie.limits import GRAMMAR_DEPTH_MAX
from pie.model.grammar_weight import _weight, demand_light_lark, demand_light_schema


@pytest.mark.parametrize(
    ("regex", "weight"),
    [
        ("", 0),
        ("abc", 3),
        (r"a\{9}", 4),
        ("[a-z0-9{5}]x", 2),
        ("a{5}", 5),
        ("ba{2,7}", 8),
        ("a{3,}", 3),
        ("(ab){4}c", 9),
        ("((ab){3}c){10}", 70),
        ("a{2}{3}", 6),
        ("a{0}", 1),
        ("(a", 1),
        ("a)))", 4),
        ("a{99999999999999999999}", 999_999_999),
    ],
)
def test_the_weight_is_what_an_expression_stands_for(regex, weight):
    assert _weight(regex) == weight


def test_texts_and_expressions_in_lark_are_weighed_and_comments_are_not():
    demand_light_lark('start: "a" /b{10}/ // c{1000000}\n# /d{1000000}/\n')
    with pytest.raises(GrammarError):
        demand_light_lark("start: /x\\/y{1000000}/")


def test_a_schema_may_be_so_deep_and_no_deeper():
    schema: dict = {}
    for _ in range(GRAMMAR_DEPTH_MAX):
        schema = {"items": schema}
    demand_light_schema(schema)
    with pytest.raises(GrammarError, match="deep"):
        demand_light_schema({"items": schema})
