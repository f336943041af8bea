"""Unification: the most general bindings of type variables under which two types are equal.

Pure functions over immutable bindings, and the `Solver`, which does the same in place for whoever unifies a whole graph. The
bindings of a graph
are shared: every vertex's types are brought into its scope first (`in_scope`), then every edge unifies two slots. Unions unify
alternative by
alternative: variables stand only inside alternatives whose outermost part is unlike the others', so there is at most one way.
"""

from collections.abc import Mapping

from pie_flow.types import Type, Variable

Bindings = Mapping[Variable, Type]
"""What variables stand for; values may hold further bound variables. Never changed by the functions here."""

NO_BINDINGS: Bindings = {}


def unify(left: Type, right: Type, bindings: Bindings = NO_BINDINGS) -> Bindings:
    """The bindings, extended so that both types resolve to the same. The same object when nothing had to be added.

    Raises MismatchError with the path of the first part that differs, InfiniteTypeError (one of them) when a variable would contain
    itself, TypeBoundError when the types have grown beyond all measure.
    """
    raise NotImplementedError


def resolve(kind: Type, bindings: Bindings) -> Type:
    """The type with every bound variable replaced. Raises TypeBoundError when that gets larger or deeper than the bounds."""
    raise NotImplementedError


def in_scope(kind: Type, scope: str) -> Type:
    """The type with its variables as those of a vertex: equal names in two scopes are two variables."""
    raise NotImplementedError


def variables(kind: Type) -> frozenset[Variable]:
    """The variables that stand in a type. Empty: the type is ground."""
    raise NotImplementedError


class Solver:
    """Bindings that grow in place: near-linear over a graph of any size. Not thread-safe."""

    def __init__(self, bindings: Bindings = NO_BINDINGS) -> None: ...

    def unify(self, left: Type, right: Type) -> None:
        """As the function; when it raises, the solver is as it was before."""
        raise NotImplementedError

    def resolve(self, kind: Type) -> Type:
        """As the function."""
        raise NotImplementedError

    def bindings(self) -> Bindings:
        """A copy."""
        raise NotImplementedError
