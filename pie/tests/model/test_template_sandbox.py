from datetime import datetime
from typing import Any

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from pie.errors import TemplateError
from pie.model.template_sandbox import Template

MESSAGES = [{"role": "user", "content": "Hi <b> é"}, {"role": "assistant", "content": "Hello"}]


def render(source: str, **variables: Any) -> str:
    return Template(source, lambda: datetime(2024, 7, 26)).render({"messages": MESSAGES} | variables)


def test_the_functions_that_hugging_face_gives_are_there() -> None:
    assert render("{{ strftime_now('%d %b %Y') }}") == "26 Jul 2024"
    assert render("{{ messages[0] | tojson }}") == '{"role": "user", "content": "Hi <b> é"}'
    assert render("{% for m in messages %}{% if loop.index == 2 %}{% break %}{% endif %}{{ m.role }}{% endfor %}") == "user"
    assert render("a{% generation %}b{% endgeneration %}c") == "abc"


def test_an_exception_raised_by_the_template_carries_its_words() -> None:
    with pytest.raises(TemplateError, match=r"^roles must alternate$"):
        render("{{ raise_exception('roles must alternate') }}")


@pytest.mark.parametrize(
    "source",
    [
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ ns.n ~ ': ' ~ m.role }}{% endfor %}",
        "{% macro turn(m, end='.') %}{{ m.role }}{{ caller() }}{{ end }}{% endmacro %}{% call turn(messages[0]) %}x{% endcall %}",
        "{% set text %}{{ messages[0].content | upper }}{% endset %}{{ text | trim | replace('HI', 'ho') }}",
        "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(', ') }}",
        "{{ messages | tojson(indent=2) }}{{ {'a': [1, (2, 3)]} }}{{ messages | length }}{{ none }}{{ missing }}",
        "{% for m in messages %}{{ loop.index0 }}{{ loop.last }}{{ loop.cycle('x', 'y') }}{{ loop.length }}{% endfor %}",
        "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}{{ 'a-b'.split('-')[1] }}{{ '%s!' | format('x') }}",
        "{{ '{} {name}'.format(1, name='x') }}{{ 'x' * 3 }}{{ 2 ** 5 }}{{ 7 // 2 }}{{ 7 % 4 }}{{ [1] + [2] }}{{ dict(a=1) }}",
        "{% for row in [[1, [2]]] recursive %}{{ row if row is number else loop(row) }}{% endfor %}",
        "{% set x, y = 1, 2 %}{{ x }}{{ y }}{{ messages[::-1][0].role }}\n  {%- set z = 1 %}",
        "{{ range(3) | list }}{{ 'a' if 'H' in 'Hi' else 'b' }}",
    ],
)
def test_a_template_renders_as_hugging_face_renders_it(source: str) -> None:
    expected, _ = render_jinja_template([MESSAGES], chat_template=source)
    assert render(source) == expected[0]


DOUBLING = "{% set n = namespace(x=START) %}{% for i in range(60) %}STEP{% endfor %}"


def doubling(start: str, step: str) -> str:
    """A template that makes a value grow, sixty times."""
    return DOUBLING.replace("START", start).replace("STEP", step)


ENDLESS = {
    "loops": "{% for i in range(60000) %}{% for j in range(60000) %}{% endfor %}{% endfor %}",
    "macros": "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "recursive loop": "{% for i in [[1]] recursive %}{{ loop([range(60000), range(60000)]) }}{% endfor %}",
    "shared lists": doubling("[1]", "{% set n.x = [n.x, n.x] %}"),
    "shared tuples": doubling("(1,)", "{% set n.x = (n.x, n.x) %}"),
    "shared tables": doubling("{}", "{% set n.x = dict(a=n.x, b=n.x) %}"),
}
HUGE = {
    "product": "{{ 'a' * 10**9 }}",
    "product of lists": "{{ [1, 2] * 60000 * 60000 }}",
    "power": "{{ 10 ** 10 ** 10 }}",
    "big number": doubling("3", "{% set n.x = n.x * n.x %}"),
    "range": "{{ range(10 ** 9) | list }}",
    "doubling by ~": doubling("'ab'", "{% set n.x = n.x ~ n.x %}"),
    "doubling by +": doubling("'ab'", "{% set n.x = n.x + n.x %}"),
    "doubling lists": doubling("[1]", "{% set n.x = n.x + n.x %}"),
    "doubling by capture": doubling("'a'", "{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}"),
    "percent format": "{{ '%999999999d' % 1 }}",
    "percent format by argument": "{{ '%*d' % (99999999, 1) }}",
    "format filter": "{{ '%999999999d' | format(1) }}",
    "format method": "{{ '{:999999999d}'.format(1) }}",
    "format by argument": "{{ '{:{}}'.format(1, 60000) }}",
    "padding": "{{ 'a'.ljust(10 ** 9) }}",
    "replace method": "{% set x = 'a' * 60000 %}{{ x.replace('a', x) }}",
    "replace filter": "{% set x = 'a' * 60000 %}{{ x | replace('a', x) }}",
    "join method": "{{ ('a' * 60000).join(range(60000) | map('string')) }}",
    "join filter": "{{ range(60000) | list | join('a' * 60000) }}",
    "join filter, one by one": "{{ range(60000) | map('string') | join('a' * 60000) }}",
    "indent": "{{ ('\n' * 60000) | indent(60000) }}",
    "tabs": "{{ ('\t' * 60000).expandtabs(60000) }}",
    "json indent": "{{ [[1]] | tojson(indent=60000) }}",
    "output": "{% set x = 'a' * 60000 %}{% for i in range(60000) %}{{ x }}{% endfor %}",
    "source": "a" * (1 << 19),
}
BREAKOUTS = {
    "class": "{{ ''.__class__.__mro__ }}",
    "globals": "{{ namespace.__init__.__globals__ }}",
    "namespace dunder": "{% set n = namespace() %}{% set n.__class__ = 1 %}",
    "mutation": "{{ messages.append(1) }}",
    "import": "{% import 'os' as os %}",
    "include": "{% include '/etc/passwd' %}",
    "do": "{% do messages.clear() %}",
    "deep nesting": "{{ " + "(" * 5000 + ")" * 5000 + " }}",
    "syntax": "{% if %}",
}


@pytest.mark.parametrize("source", (ENDLESS | HUGE | BREAKOUTS).values(), ids=(ENDLESS | HUGE | BREAKOUTS).keys())
def test_a_hostile_template_ends_in_an_error(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


@pytest.mark.parametrize(
    "source", ["{{ raise_exception.__globals__ }}", "{{ '{0.__class__}'.format(1) }}", "{{ '' | attr('__class__') }}"]
)
def test_what_python_keeps_behind_an_object_is_not_there(source: str) -> None:
    assert render(source) == ""


def test_after_an_error_the_template_renders_again() -> None:
    template = Template("{% for i in range(n) %}{% for j in range(n) %}{% endfor %}{% endfor %}ok", datetime.now)
    with pytest.raises(TemplateError):
        template.render({"n": 60000})
    assert template.render({"n": 2}) == "ok"


def test_a_long_conversation_stays_far_below_the_bounds() -> None:
    turn = {"role": "user", "content": "word " * 2000}
    source = "{% for m in messages %}{{ m.role + ': ' + m.content | trim if messages | length > loop.index0 }}{% endfor %}"
    assert len(render(source, messages=[turn] * 500)) > 5_000_000 - 1000
