"""What keeps unions decidable: a variable may stand only inside an alternative whose outermost part is unlike the others'.

So `Nothing | Just<t>` and `[t] | String` are unions, `t | String` and `[t] | [Int64]` are not. Two unions then unify in at most one
way: alternatives with variables pair by their outermost part, the others must be the same sets.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache

from pie_flow.types import Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable


def head(kind: Type) -> Hashable:
    """The outermost part of a type: two types with unlike heads never unify, unless one is a variable."""
    match kind:
        case Atom(name):
            return name
        case ListType():
            return "["
        case TupleType(items):
            return ("(", len(items))
        case RecordType(fields):
            return ("{", *(name for name, _ in fields))
        case NamedType(name, arguments):
            return ("<", name, len(arguments))
        case UnionType():
            return "|"
        case Variable():
            return kind


@lru_cache(maxsize=4096)
def variables(kind: Type) -> frozenset[Variable]:
    """The variables that stand in a type. Empty: the type is ground."""
    if isinstance(kind, Variable):
        return frozenset((kind,))
    return frozenset[Variable]().union(*map(variables, parts(kind)))


def parts(kind: Type) -> Sequence[Type]:
    """What a type is directly made of."""
    match kind:
        case ListType(item):
            return (item,)
        case TupleType(items) | UnionType(items) | NamedType(_, items):
            return items
        case RecordType(fields):
            return [field for _, field in fields]
        case _:
            return ()


def fault(alternatives: Iterable[Type]) -> str | None:
    """Why these cannot be the alternatives of one union; None: they can."""
    alternatives = tuple(alternatives)
    if any(isinstance(alternative, Variable) for alternative in alternatives):
        return "a type variable cannot be an alternative of a union"
    heads = Counter(map(head, alternatives))
    for alternative in alternatives:
        if heads[head(alternative)] > 1 and variables(alternative):
            return f"with a type variable in it, {alternative} is too like another alternative"
    return None


def extent(kind: Type) -> tuple[int, int]:
    """How many levels and how many parts a type has."""
    inner = [extent(part) for part in parts(kind)]
    return 1 + max((height for height, _ in inner), default=0), 1 + sum(size for _, size in inner)
