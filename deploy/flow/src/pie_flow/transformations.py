"""Transformations: vertices that only reshape. What each takes, what it gives, and its step, a pure object.

A vertex's parameters decide its signature (`pack_record` has as many inputs as fields), so those that do must be given when the
vertex is
added. Parameters that hold a type or names are ordinary Strings: `type: "[Int64]"` is written `"[Int64]"`, with quotes, as every
String literal.

constant       type, value*          (t) → (type)            the value, once per message
convert        from, to              (from) → (to)           numbers, Bool, Char by the rules of C++: ints wrap, floats truncate
pack_record    fields                (a, b, …) → ({x: a, y: b, …})
unpack_record  fields                ({x: a, y: b, …}) → (a, b, …)
pack_tuple     size=2                (a, b, …) → ((a, b, …))
unpack_tuple   size=2                ((a, b, …)) → (a, b, …)
field          type, name            (type) → (its field's type)     type: a record, or a named type that stands for one
flatten                              ([t]) → (t)             each element
to_list                              (t) → ([t])             lists of one
window         size, step=0          (t) → ([t])             lists of `size` values, one every `step` values (0: size)
filter                               (t, Bool) → (t)         the values whose predicate is true
cond                                 (t, Bool) → (Maybe<t>)
just_or        type, value*          (Maybe<type>) → (type)
unpack_named   type                  (Name) → (what it stands for)
wrap_named     type                  (what Name stands for) → (Name)
unpack_union   type                  (A | B | …) → (A, B, …)    each value at its alternative's output, ordered as printed
wrap_union     type, alternative     (A) → (A | B | …)
repeat         count*                (t) → (t)
merge          size=2                (t, t, …) → (t)         in the order of arrival
zip                                  (a, b) → ((a, b))
delay_one      type, value           (type) → (type)         the value first, then what comes
tee            size=2                (t) → (t, t, …)
sketch         inputs, outputs, readme=""                    a placeholder; cannot be started        (* mutable)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pie_flow import limits, shapes, starts
from pie_flow.catalogue import CATALOGUE
from pie_flow.parameters import OPEN, Arguments, ParameterInfo
from pie_flow.steps import DelayOne, Each, Emission, Failed, Merge, Step, Window
from pie_flow.types import Atom, ListType, TupleType, Type, Variable

__all__ = ["TRANSFORMATIONS", "Emission", "Failed", "ParameterInfo", "Signature", "Step", "Transformation"]

Types = Sequence[Type]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a transformation is, given its parameters."""

    inputs: tuple[Type, ...]
    outputs: tuple[Type, ...]
    parameters: Mapping[str, ParameterInfo] = field(default_factory=dict)
    """With the types that they have in this vertex: `constant`'s `value` is of the type that its `type` says."""


@dataclass(frozen=True, slots=True)
class Transformation:
    name: str
    summary: str
    parameters: Mapping[str, ParameterInfo]
    _shape: Callable[[Arguments], tuple[Types, Types]]
    _start: Callable[[Arguments], Step]

    def signature(self, parameters: Mapping[str, str]) -> Signature:
        """Inputs, outputs and parameters, from literals. Raises TransformationError when a parameter that decides them is missing
        or wrong, also when any other that is given is unknown or not of its type.
        """
        arguments = Arguments(self.name, self.parameters, parameters)
        inputs, outputs = self._shape(arguments)
        arguments.check()
        return Signature(tuple(inputs), tuple(outputs), arguments.infos())

    def start(self, parameters: Mapping[str, str]) -> Step:
        """Raises TransformationError; `sketch` always does."""
        arguments = Arguments(self.name, self.parameters, parameters)
        arguments.check()
        return self._start(arguments)


T = Variable("t")
_BOOL = Atom("Bool")
_TYPE = ParameterInfo("String", description="A type, as text.")
_VALUE = ParameterInfo(OPEN)
_MUTABLE_VALUE = ParameterInfo(OPEN, mutable=True)
_SIZE = ParameterInfo("UInt32", default="2")


def _window_shape(arguments: Arguments) -> tuple[Types, Types]:
    shapes.window_size(arguments)
    return (T,), (ListType(T),)


def _counted(arguments: Arguments) -> tuple[Types, Types]:
    arguments.count("count", 0, limits.REPEAT_MAX)
    return (T,), (T,)


def _all() -> Iterable[Transformation]:
    yield Transformation(
        "constant",
        "Turns every message into the same value.",
        {"type": _TYPE, "value": _MUTABLE_VALUE},
        lambda given: ((T,), (given.type("type"),)),
        lambda given: Each(given, starts.constantly),
    )
    yield Transformation(
        "convert",
        "Converts a number, by the rules of C++.",
        {"from": _TYPE, "to": _TYPE},
        lambda given: ((Atom(shapes.numeric_name(given, "from")),), (Atom(shapes.numeric_name(given, "to")),)),
        lambda given: Each(given, starts.converting),
    )
    yield Transformation(
        "pack_record",
        "Makes a record of one value from each input.",
        {"fields": ParameterInfo("[String]")},
        lambda given: (shapes.named_variables(shapes.field_names(given)), (shapes.record_type(given),)),
        starts.pack_record,
    )
    yield Transformation(
        "unpack_record",
        "Gives each field of a record an output of its own.",
        {"fields": ParameterInfo("[String]")},
        lambda given: ((shapes.record_type(given),), shapes.named_variables(shapes.field_names(given))),
        starts.unpack_record,
    )
    yield Transformation(
        "pack_tuple",
        "Makes a tuple of one value from each input.",
        {"size": _SIZE},
        lambda given: (
            shapes.numbered_variables(shapes.size(given)),
            (shapes.tuple_type(shapes.size(given)),),
        ),
        lambda given: starts.pack_tuple(given, shapes.size(given)),
    )
    yield Transformation(
        "unpack_tuple",
        "Gives each element of a tuple an output of its own.",
        {"size": _SIZE},
        lambda given: (
            (shapes.tuple_type(shapes.size(given)),),
            shapes.numbered_variables(shapes.size(given)),
        ),
        starts.unpack_tuple,
    )
    yield Transformation(
        "field",
        "Takes one field out of a record.",
        {"type": _TYPE, "name": ParameterInfo("String")},
        lambda given: ((given.type("type"),), (shapes.field_type(given),)),
        lambda given: Each(given, starts.take_field),
    )
    yield Transformation(
        "flatten",
        "Emits each element of a list.",
        {},
        lambda _: ((ListType(T),), (T,)),
        starts.each(lambda value: [(0, item) for item in value]),
    )
    yield Transformation(
        "to_list",
        "Makes a list of each single value.",
        {},
        lambda _: ((T,), (ListType(T),)),
        starts.each(starts.to(lambda value: [value])),
    )
    yield Transformation(
        "window",
        "Gathers values to lists of a size, each beginning a step after the one before.",
        {
            "size": ParameterInfo("UInt32"),
            "step": ParameterInfo("UInt32", default="0", description="0: as large as the size, so that windows do not overlap."),
        },
        _window_shape,
        lambda given: Window(given, *shapes.window_size(given)),
    )
    yield Transformation(
        "filter", "Lets those values through whose predicate is true.", {}, lambda _: ((T, _BOOL), (T,)), starts.select
    )
    yield Transformation(
        "cond", "A value if its predicate is true, else nothing.", {}, lambda _: ((T, _BOOL), (shapes.maybe(T),)), starts.cond
    )
    yield Transformation(
        "just_or",
        "The value inside a Maybe, or a default.",
        {"type": _TYPE, "value": _MUTABLE_VALUE},
        lambda given: ((shapes.maybe(given.type("type")),), (given.type("type"),)),
        lambda given: Each(given, starts.or_else),
    )
    yield Transformation(
        "unpack_named",
        "Turns a named type's value into what it stands for.",
        {"type": _TYPE},
        lambda given: ((shapes.named_type(given),), (CATALOGUE.base(shapes.named_type(given)),)),
        lambda given: Each(given, starts.unwrapping),
    )
    yield Transformation(
        "wrap_named",
        "Makes a named type's value of what it stands for.",
        {"type": _TYPE},
        lambda given: ((CATALOGUE.base(shapes.named_type(given)),), (shapes.named_type(given),)),
        lambda given: Each(given, starts.wrapping),
    )
    yield Transformation(
        "unpack_union",
        "Sends each value to the output of its alternative.",
        {"type": _TYPE},
        lambda given: ((given.type("type"),), [option.type for option in shapes.union_alternatives(given)]),
        starts.unpack_union,
    )
    yield Transformation(
        "wrap_union",
        "Makes a union's value of a value of one alternative.",
        {"type": _TYPE, "alternative": _TYPE},
        lambda given: ((shapes.chosen_alternative(given).type,), (given.type("type"),)),
        lambda given: Each(given, starts.into_union),
    )
    yield Transformation(
        "repeat",
        "Emits every value several times.",
        {"count": ParameterInfo("UInt32", mutable=True)},
        _counted,
        lambda given: Each(given, starts.repeating),
    )
    yield Transformation(
        "merge",
        "Several streams as one, in the order of arrival.",
        {"size": _SIZE},
        lambda given: ([T] * shapes.size(given), (T,)),
        Merge,
    )
    yield Transformation(
        "zip",
        "Pairs the values of two streams.",
        {},
        lambda _: ((Variable("a"), Variable("b")), (TupleType((Variable("a"), Variable("b"))),)),
        lambda given: starts.pack_tuple(given, 2),
    )
    yield Transformation(
        "delay_one",
        "Emits a value of its own first, then what comes: what makes a cycle possible.",
        {"type": _TYPE, "value": _VALUE},
        lambda given: ((given.type("type"),), (given.type("type"),)),
        DelayOne,
    )
    yield Transformation(
        "tee", "Every value at several outputs.", {"size": _SIZE}, lambda given: ((T,), [T] * shapes.size(given)), starts.tee
    )
    yield Transformation(
        "sketch",
        "A placeholder for what is still to be made; a graph with one is not deployed.",
        {
            "inputs": ParameterInfo("[String]", default="[]", description="Types, as text."),
            "outputs": ParameterInfo("[String]", default="[]", description="Types, as text."),
            "readme": ParameterInfo("String", default='""'),
        },
        lambda given: (given.types("inputs"), given.types("outputs")),
        starts.sketch,
    )


TRANSFORMATIONS: Mapping[str, Transformation] = {transformation.name: transformation for transformation in _all()}
