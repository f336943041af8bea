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
window         size, step=size       (t) → ([t])             the last `size` values, each time `step` more have come
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

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pie_flow.types import Type
from pie_flow.values import Value


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    type: str
    """A type; `t` in `Transformation.parameters` where other parameters decide it."""
    default: str | None = None
    """A literal. None: must be given."""
    mutable: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a transformation is, given its parameters."""

    inputs: tuple[Type, ...]
    outputs: tuple[Type, ...]
    parameters: Mapping[str, ParameterInfo] = field(default_factory=dict)
    """With the types that they have in this vertex: `constant`'s `value` is of the type that its `type` says."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands in for a value whose way ended in a component that raised. A step takes it like a value: joins stay in step, and what
    it would have become comes out as this same object.
    """

    reason: object


Emission = tuple[int, Value]
"""Output position and value."""


class Step(Protocol):
    """A running transformation: keeps its own state, does no I/O."""

    def begin(self) -> list[Emission]:
        """What it emits before anything has come. Once, first."""
        ...

    def accepts(self, position: int) -> bool:
        """Whether an input may be read now. A join that waits for its other inputs does not accept another value of this one:
        the edge's queue is where values wait.
        """
        ...

    def push(self, position: int, value: Value) -> list[Emission]:
        """Take one value (or `Failed`) from an input that accepts, and say what comes of it."""
        ...

    def configure(self, parameters: Mapping[str, str]) -> None:
        """New literals of mutable parameters. Raises TransformationError and keeps the old ones."""
        ...


class Transformation(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, ParameterInfo]: ...

    def signature(self, parameters: Mapping[str, str]) -> Signature:
        """Inputs, outputs and parameters, from literals. Raises TransformationError (a FlowError) when a parameter that decides
        them is missing or wrong, also when one is unknown. Mutable and other values are checked too.
        """
        ...

    def start(self, parameters: Mapping[str, str]) -> Step:
        """Raises TransformationError; `sketch` always does."""
        ...


TRANSFORMATIONS: Mapping[str, Transformation] = {}
