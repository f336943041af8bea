"""Runs the Jinja templates that come with models: programs by strangers, which can neither reach out nor run on and on.

Jinja's immutable sandbox keeps a template away from Python. Time and memory are bounded by an account that every step is charged
to, opened anew for each rendering. A step is charged where it happens:

- a round of a loop, a list or table written down, `~`, a captured block: the parsed template is rewritten (`_Charging`) so that
  these pass through a filter of ours;
- a call, macros and recursion included: the sandbox's `call` hook;
- a filter: each is wrapped when the environment is made, and those that no chat template needs are left out;
- arithmetic: the sandbox's hook for operators;
- output: counted as the pieces come.

What a step would make is bounded before it is made where the operands tell (`"a" * 10**9`), and afterwards elsewhere.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from jinja2 import nodes, pass_context
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from pie.errors import TemplateError
from pie.limits import TEMPLATE_SOURCE_CHARACTERS_MAX
from pie.model.template_cost import Account, check_format, check_numbers, growth, product_size

T = TypeVar("T")

_ROUNDS = "pie_rounds"
_MADE = "pie_made"
_CONCATENATED = "pie_concatenated"

# fmt: off
_CHEAP_FILTERS = frozenset({
    "attr", "batch", "count", "d", "default", "first", "items", "last", "length", "list", "map", "reject", "rejectattr",
    "reverse", "select", "selectattr", "slice"
})
"""Those that do not look into what they are given: `messages | length` costs the same however long the messages are."""
_READING_FILTERS = frozenset({
    "abs", "capitalize", "dictsort", "e", "escape", "float", "format", "groupby", "indent", "int", "join", "lower", "max",
    "min", "replace", "round", "safe", "sort", "string", "striptags", "sum", "title", "trim", "truncate", "unique", "upper",
    "wordcount"
})
# fmt: on
_METHODS_REFUSED = frozenset({"expandtabs", "translate"})


class Template:
    """A compiled template."""

    def __init__(self, source: str, now: Callable[[], datetime]) -> None:
        """`now` answers `strftime_now`. Raises `TemplateError` if the source is no template."""
        if len(source) > TEMPLATE_SOURCE_CHARACTERS_MAX:
            raise TemplateError(f"the chat template is longer than {TEMPLATE_SOURCE_CHARACTERS_MAX} characters")
        self._environment = _Environment(now)
        self._template = self._guarded(lambda: self._environment.compiled(source))

    def render(self, variables: Mapping[str, object]) -> str:
        """The text for these variables, which must be plain data. Raises `TemplateError`."""
        return self._guarded(lambda: "".join(self._counted(self._template.generate(variables))))

    def _counted(self, pieces: Iterable[str]) -> Iterator[str]:
        for piece in pieces:
            self._environment.account.wrote(piece)
            yield piece

    def _guarded(self, work: Callable[[], T]) -> T:
        self._environment.account = Account()
        try:
            return work()
        except TemplateError:
            raise
        except RecursionError as error:
            raise TemplateError("the chat template is nested too deeply") from error
        except Exception as error:  # a template can raise whatever its operands can
            raise TemplateError(f"chat template: {error}") from error


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, optimized=False, extensions=[loopcontrols, _Generation], finalize=_printed
        )
        self.account = Account()
        kept = {name: self.globals[name] for name in ("cycler", "joiner")}
        self.globals = kept | {"range": range, "dict": _dict, "namespace": _Namespace}
        self.globals |= {"raise_exception": _raise_exception, "strftime_now": lambda form: now().strftime(form)}
        filters = {name: function for name, function in self.filters.items() if name in _CHEAP_FILTERS | _READING_FILTERS} | {
            "tojson": _tojson
        }
        self.filters = {name: self._charged(name, function) for name, function in filters.items()}
        self.filters |= {_ROUNDS: self._rounds, _MADE: self._made, _CONCATENATED: self._concatenated}

    def compiled(self, source: str) -> Any:
        return self.from_string(_Charging().visit(self.parse(source)))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """A call written in the template. The odd names leave every keyword to the function that is called."""
        if isinstance(getattr(__obj, "__self__", None), str):
            args, kwargs = tuple(map(__self._at_once, args)), {name: __self._at_once(value) for name, value in kwargs.items()}
        __self._check_call(__obj, args, kwargs)
        if isinstance(__obj, LoopContext):
            args = (__self._rounds(args[0]), *args[1:])
        return __self._made(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "*":
            self.account.step(product_size(left, right))
        elif operator == "**":
            check_numbers((left, right))
        elif operator == "%" and isinstance(left, str):
            check_format(left)
            self.account.read(right)
        return self._made(super().call_binop(context, operator, left, right))

    def _check_call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.account.step()
        check_numbers((*args, *kwargs.values()))
        method = getattr(function, "__wrapped__", function)  # the sandbox wraps `str.format`
        text = getattr(method, "__self__", None)
        if not isinstance(text, str):
            return
        if method.__name__ in _METHODS_REFUSED:
            raise TemplateError(f"chat templates cannot use {method.__name__}")
        if method.__name__ in ("format", "format_map"):
            check_format(text)
        for value in (text, *args, *kwargs.values()):
            self.account.read(value)
        self.account.step(growth(method.__name__, text, args))

    def _charged(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The filter, paying for what it reads and makes."""
        first = 1 if hasattr(function, "jinja_pass_arg") else 0  # before the value comes the context, if it is asked for

        @wraps(function)
        def charged(*args: Any, **kwargs: Any) -> Any:
            if name not in _CHEAP_FILTERS:
                args = (*args[:first], *map(self._at_once, args[first:]))
            value, *arguments = *args[first:], *kwargs.values()
            check_numbers(arguments)
            if name == "format":
                check_format(str(value))
            self.account.read(arguments if name in _CHEAP_FILTERS else (value, *arguments))
            self.account.step(growth(name, value, arguments))
            return self._made(function(*args, **kwargs))

        return charged

    def _made(self, value: T) -> T:
        self.account.made(value)
        return value

    def _at_once(self, value: Any) -> Any:
        """What `map` and its like would give one by one: how large something made of it would be can be told only of a list."""
        return list(self._rounds(value)) if isinstance(value, Iterator) else value

    def _rounds(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self.account.step()
            yield value

    def _concatenated(self, values: list[Any]) -> str:
        self.account.read(values)
        texts = list(map(str, values))
        self.account.step(sum(map(len, texts)))
        return "".join(texts)


class _Charging(NodeTransformer):
    """Makes the parsed template pass what it loops over and what it makes through our filters."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _through(_ROUNDS, node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _through(_CONCATENATED, nodes.List(node.nodes, lineno=node.lineno))

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:
        self.generic_visit(node)
        node.filter = nodes.Filter(node.filter, _MADE, [], [], None, None, lineno=node.lineno)
        return node

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return _through(_MADE, self.generic_visit(node))

    visit_Dict = visit_List

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _through(_MADE, node) if node.ctx == "load" else node


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


class _Generation(Extension):
    """`{% generation %}`, which marks the model's own words for training: only its body counts here."""

    tags = {"generation"}  # noqa: RUF012 (the base class says so)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(Namespace):
    """Jinja's namespace, without access to Python's own attributes and without its contents in print."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, *rest = args
        values = dict(*rest, **kwargs)
        Namespace.__init__(self, {name: value for name, value in values.items() if not str(name).startswith("_")})

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise TemplateError(f"chat templates cannot set {name}")
        super().__setitem__(name, value)

    def __repr__(self) -> str:
        return "<namespace>"


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """What `{{ value }}` prints. Taking the context keeps Jinja from working it out while it compiles."""
    if not isinstance(value, str):
        environment = context.environment
        assert isinstance(environment, _Environment)
        environment.account.read(value)
    return value


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    return dict(*args, **kwargs)


def _raise_exception(message: str) -> None:
    raise TemplateError(str(message))


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """Without the escapes for HTML that Jinja's own filter makes."""
    if isinstance(indent, int) and indent > 16:
        raise TemplateError("the chat template asks for too wide an indent")
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
