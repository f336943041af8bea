"""Unification: the most general bindings of type variables under which two types are equal.

Pure functions over immutable bindings, and the `Solver`, which does the same in place for whoever unifies a whole graph. The
bindings of a graph are shared: every vertex's types are brought into its scope first (`in_scope`), then every edge unifies two
slots.

The solver is the classic union-find: classes of variables that are equal, and per class at most one term, a part of some type that
was handed in. Terms are never copied into each other, so a type that would be exponentially large when written out costs
nothing until somebody resolves it, and then the bounds say no. Two classes that both have terms are joined once their terms are
unified, so no pair is visited twice. Unions unify alternative by alternative (`pie_flow.unions` says why there is at most one way).
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NoReturn

from pie_flow import limits
from pie_flow.errors import InfiniteTypeError, MismatchError, TypeBoundError
from pie_flow.types import Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable, record, union
from pie_flow.unions import head, parts, variables

__all__ = ["NO_BINDINGS", "Bindings", "Solver", "in_scope", "resolve", "unify", "variables"]

Bindings = Mapping[Variable, Type]
"""What variables stand for; values may hold further bound variables. Never changed by the functions here."""

NO_BINDINGS: Bindings = {}

_ABSENT: Any = object()


def unify(left: Type, right: Type, bindings: Bindings = NO_BINDINGS) -> Bindings:
    """The bindings, extended so that both types resolve to the same. The same object when nothing had to be added.

    Raises MismatchError with the path of the first part that differs, InfiniteTypeError (one of them) when a variable would contain
    itself, TypeBoundError when the types have grown beyond all measure.
    """
    if left == right:
        return bindings
    solver = Solver(bindings)
    return solver.bindings() if solver.unify(left, right) else bindings


def resolve(kind: Type, bindings: Bindings) -> Type:
    """The type with every bound variable replaced. Raises TypeBoundError when that gets larger or deeper than the bounds."""
    return Solver(bindings).resolve(kind) if variables(kind) else kind


def in_scope(kind: Type, scope: str) -> Type:
    """The type with its variables as those of a vertex: equal names in two scopes are two variables."""
    return rebuild(kind, lambda variable: Variable(variable.name, scope)) if variables(kind) else kind


def rebuild(kind: Type, replace: Callable[[Variable], Type]) -> Type:
    """The type with each of its variables replaced by what `replace` makes of it."""
    match kind:
        case Variable():
            return replace(kind)
        case ListType(item):
            return ListType(rebuild(item, replace))
        case TupleType(items):
            return TupleType(tuple(rebuild(item, replace) for item in items))
        case RecordType(fields):
            return record((name, rebuild(field, replace)) for name, field in fields)
        case UnionType(alternatives):
            return union(rebuild(alternative, replace) for alternative in alternatives)
        case NamedType(name, arguments):
            return NamedType(name, tuple(rebuild(argument, replace) for argument in arguments))
        case Atom():
            return kind


class Solver:
    """Bindings that grow in place: near-linear over a graph of any size. Not thread-safe."""

    def __init__(self, bindings: Bindings = NO_BINDINGS) -> None:
        self._links: dict[Variable, Variable] = {}
        """From a variable towards the one that stands for its class."""
        self._terms: dict[Variable, Type] = {}
        """By the variable that stands for the class; never a variable."""
        self._sizes: dict[Variable, int] = defaultdict(lambda: 1)
        """Of the classes: the smaller one is linked to the larger, so paths stay short. Only a hint, not taken back."""
        self._trail: list[tuple[dict[Variable, Any], Variable, Any]] = []
        for variable, kind in bindings.items():
            if isinstance(kind, Variable):
                self._links[variable] = kind
            else:
                self._terms[variable] = kind

    def unify(self, left: Type, right: Type) -> bool:
        """As the function; whether anything was added. When it raises, the solver is as it was before."""
        self._trail.clear()
        try:
            self._unify(left, right, ("root",))
        except (MismatchError, TypeBoundError):
            for mapping, key, previous in reversed(self._trail):
                _restore(mapping, key, previous)
            raise
        return bool(self._trail)

    def resolve(self, kind: Type) -> Type:
        """As the function."""
        if not variables(kind):
            return kind
        self._measure(kind, None, {})
        resolved: dict[Variable, Type] = {}

        def replace(variable: Variable) -> Type:
            root = self._root(variable)
            if root not in resolved:
                resolved[root] = rebuild(self._terms[root], replace) if root in self._terms else root
            return resolved[root]

        return rebuild(kind, replace)

    def bindings(self) -> Bindings:
        """A copy."""
        return {**self._links, **self._terms}

    # --- Classes of variables ----------------------------------------------------------------------------------------

    def _root(self, variable: Variable) -> Variable:
        while variable in self._links:
            variable = self._links[variable]
        return variable

    def _set(self, mapping: dict[Variable, Any], key: Variable, value: object) -> None:
        self._trail.append((mapping, key, mapping.get(key, _ABSENT)))
        _restore(mapping, key, value)

    def _join(self, left: Variable, right: Variable, path: tuple[str, ...]) -> None:
        """Make two variables one class."""
        left_term, right_term = self._terms.get(left), self._terms.get(right)
        if left_term is not None and right_term is not None:
            self._unify(left_term, right_term, path)
            left, right = self._root(left), self._root(right)
        elif left_term is not None:
            self._measure(left_term, right, {}, path)
        elif right_term is not None:
            self._measure(right_term, left, {}, path)
        if left != right:
            self._link(left, right)

    def _link(self, left: Variable, right: Variable) -> None:
        child, root = (left, right) if self._sizes[left] <= self._sizes[right] else (right, left)
        self._sizes[root] += self._sizes[child]
        if child in self._terms:
            if root not in self._terms:
                self._set(self._terms, root, self._terms[child])
            self._set(self._terms, child, _ABSENT)
        self._set(self._links, child, root)

    def _bind(self, variable: Variable, kind: Type, path: tuple[str, ...]) -> None:
        if variable in self._terms:
            self._unify(self._terms[variable], kind, path)
            return
        self._measure(kind, variable, {}, path)
        self._set(self._terms, variable, kind)

    def _measure(
        self,
        kind: Type,
        forbidden: Variable | None,
        known: dict[Variable, tuple[int, int]],
        path: tuple[str, ...] = (),
        depth: int = 0,
    ) -> tuple[int, int]:
        """How deep and how large a type is when written out. Raises when it holds the forbidden variable, or is beyond the bounds.
        What is `known` of variables keeps it linear in what is stored.
        """
        if depth >= limits.TYPE_DEPTH_MAX:
            raise TypeBoundError(f"the type is more than {limits.TYPE_DEPTH_MAX} levels deep")
        if isinstance(kind, Variable):
            root = self._root(kind)
            if root == forbidden:
                raise InfiniteTypeError("".join(path), kind, kind, f"the type variable {kind} would contain itself")
            if root not in known:
                known[root] = self._measure(self._terms[root], forbidden, known, path, depth) if root in self._terms else (1, 1)
            height, size = known[root]
        else:
            inner = [self._measure(part, forbidden, known, path, depth + 1) for part in parts(kind)]
            height = 1 + max((height for height, _ in inner), default=0)
            size = 1 + sum(size for _, size in inner)
        if depth + height > limits.TYPE_DEPTH_MAX:
            raise TypeBoundError(f"the type is more than {limits.TYPE_DEPTH_MAX} levels deep")
        if size > limits.TYPE_PARTS_MAX:
            raise TypeBoundError(f"the type has more than {limits.TYPE_PARTS_MAX} parts")
        return height, size

    # --- Terms -------------------------------------------------------------------------------------------------------

    def _unify(self, left: Type, right: Type, path: tuple[str, ...]) -> None:
        if isinstance(left, Variable):
            left = self._root(left)
        if isinstance(right, Variable):
            right = self._root(right)
        match left, right:
            case Variable(), Variable():
                if left != right:
                    self._join(left, right, path)
            case Variable(), _:
                self._bind(left, right, path)
            case _, Variable():
                self._bind(right, left, path)
            case _:
                self._terms_unify(left, right, path)

    def _terms_unify(self, left: Type, right: Type, path: tuple[str, ...]) -> None:
        if len(path) > limits.TYPE_DEPTH_MAX + 1:
            raise TypeBoundError(f"the type is more than {limits.TYPE_DEPTH_MAX} levels deep")
        match left, right:
            case Atom(), Atom() if left == right:
                pass
            case ListType(), ListType():
                self._unify(left.item, right.item, (*path, "[]"))
            case TupleType(), TupleType() if len(left.items) == len(right.items):
                for position, (one, other) in enumerate(zip(left.items, right.items, strict=True)):
                    self._unify(one, other, (*path, f".{position}"))
            case RecordType(), RecordType():
                self._records(left, right, path)
            case UnionType(), UnionType():
                self._unions(left, right, path)
            case NamedType(), NamedType() if head(left) == head(right):
                for position, (one, other) in enumerate(zip(left.arguments, right.arguments, strict=True)):
                    self._unify(one, other, (*path, f"<{position}>"))
            case _:
                self._part(left, right, path)

    def _records(self, left: RecordType, right: RecordType, path: tuple[str, ...]) -> None:
        fields = dict(right.fields)
        if missing := sorted(dict(left.fields).keys() ^ fields.keys()):
            self._part(left, right, path, f"only one of the records has the field {missing[0]}")
        for name, kind in left.fields:
            self._unify(kind, fields[name], (*path, f".{name}"))

    def _unions(self, left: UnionType, right: UnionType, path: tuple[str, ...]) -> None:
        ours, theirs = _by_head(left), _by_head(right)
        for key in {**ours, **theirs}:
            one, other = ours.get(key, ()), theirs.get(key, ())
            if len(one) == len(other) == 1:
                continue
            if different := sorted(set(one) ^ set(other), key=str):
                self._part(left, right, path, f"only one of the unions has the alternative {different[0]}")
        for key, one in ours.items():
            if len(one) == 1:
                self._unify(one[0], theirs[key][0], (*path, f"|{_name(one[0])}"))

    def _part(self, left: Type, right: Type, path: tuple[str, ...], reason: str = "") -> NoReturn:
        """Raise the mismatch, with the variables in it replaced as far as that is reasonable."""
        with contextlib.suppress(TypeBoundError):
            left, right = self.resolve(left), self.resolve(right)
        raise MismatchError("".join(path), left, right, reason or f"cannot unify {_name(left)} with {_name(right)}")


def _restore(mapping: dict[Variable, Any], key: Variable, value: object) -> None:
    if value is _ABSENT:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def _by_head(kind: UnionType) -> dict[Hashable, list[Type]]:
    grouped: dict[Hashable, list[Type]] = {}
    for alternative in kind.alternatives:
        grouped.setdefault(head(alternative), []).append(alternative)
    return grouped


def _name(kind: Type) -> str:
    match kind:
        case ListType():
            return "a list"
        case TupleType(items):
            return f"a tuple of {len(items)}"
        case RecordType():
            return "a record"
        case UnionType():
            return "a union"
        case _:
            return str(kind)
