"""Unification, held against textbook unification that substitutes at once and tries every pairing of a union's alternatives."""

from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest
from flow_strategies import types
from hypothesis import given
from hypothesis import strategies as st

from pie_flow import limits
from pie_flow.errors import InfiniteTypeError, MismatchError, TypeBoundError
from pie_flow.parse import parse_type
from pie_flow.types import ListType, TupleType, Type, UnionType, Variable
from pie_flow.unify import NO_BINDINGS, Bindings, Solver, in_scope, rebuild, resolve, unify, variables
from pie_flow.unions import head, parts

VARIABLES = ("a", "b", "c", "d")


def unified(left: str, right: str) -> Bindings:
    return unify(parse_type(left), parse_type(right))


def attempt(left: Type, right: Type) -> Bindings | None:
    try:
        return unify(left, right)
    except MismatchError:
        return None


# --- The slow twin ---------------------------------------------------------------------------------------------------


def substituted(kind: Type, variable: Variable, by: Type) -> Type:
    return rebuild(kind, lambda other: by if other == variable else other)


def solutions(equations: Sequence[tuple[Type, Type]], found: dict[Variable, Type]) -> Iterator[dict[Variable, Type]]:
    """Every substitution that solves the equations: Robinson's, with a choice at every union."""
    if not equations:
        yield found
        return
    (left, right), *rest = equations
    if left == right:
        yield from solutions(rest, found)
    elif isinstance(left, Variable) or isinstance(right, Variable):
        variable, kind = (left, right) if isinstance(left, Variable) else (right, left)
        assert isinstance(variable, Variable)
        if variable in variables(kind):
            return
        known = {name: substituted(value, variable, kind) for name, value in found.items()} | {variable: kind}
        yield from solutions([(substituted(one, variable, kind), substituted(other, variable, kind)) for one, other in rest], known)
    elif head(left) == head(right) and len(parts(left)) == len(parts(right)):
        orders = permutations(parts(right)) if isinstance(right, UnionType) else [parts(right)]
        for order in orders:
            yield from solutions([*zip(parts(left), order, strict=True), *rest], found)


def renamed(kind: Type) -> Type:
    """With variables named by where they first stand: equal for types that differ only in names."""
    names: dict[Variable, Variable] = {}
    for variable in in_order(kind):
        names.setdefault(variable, Variable(f"v{len(names)}"))
    return rebuild(kind, lambda variable: names[variable])


def in_order(kind: Type) -> Iterator[Variable]:
    if isinstance(kind, Variable):
        yield kind
    for part in parts(kind):
        yield from in_order(part)


small = types(variables=VARIABLES, max_leaves=6)


@st.composite
def alike(draw: st.DrawFn) -> tuple[Type, Type]:
    """Two types made from one by putting other types for its variables: mostly they unify."""
    shared = draw(small)
    puts = [
        {Variable(name): draw(st.sampled_from([Variable(name), *map(Variable, VARIABLES)])) for name in VARIABLES} for _ in "12"
    ]
    for put in puts:
        put[Variable(draw(st.sampled_from(VARIABLES)))] = draw(types(variables=VARIABLES, max_leaves=3))
    left, right = (rebuild(shared, lambda variable, put=put: put[variable]) for put in puts)
    return left, right


pairs = st.one_of(alike(), st.tuples(small, small))


@given(pairs)
def test_it_finds_a_solution_when_the_slow_twin_does(pair: tuple[Type, Type]) -> None:
    assert (attempt(*pair) is not None) == (next(solutions([pair], {}), None) is not None)


@given(pairs)
def test_its_solution_is_as_general_as_the_slow_twins(pair: tuple[Type, Type]) -> None:
    bindings = attempt(*pair)
    if bindings is not None:
        slow = next(solutions([pair], {}))
        whole = TupleType(tuple(map(Variable, VARIABLES)))
        assert renamed(resolve(whole, bindings)) == renamed(rebuild(whole, lambda variable: slow.get(variable, variable)))


@given(pairs)
def test_unified_types_resolve_to_the_same(pair: tuple[Type, Type]) -> None:
    bindings = attempt(*pair)
    if bindings is not None:
        assert resolve(pair[0], bindings) == resolve(pair[1], bindings)


@given(pairs)
def test_it_is_symmetric(pair: tuple[Type, Type]) -> None:
    there, back = attempt(*pair), attempt(*reversed(pair))
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert renamed(resolve(pair[0], there)) == renamed(resolve(pair[0], back))


@given(pairs)
def test_it_is_idempotent(pair: tuple[Type, Type]) -> None:
    bindings = attempt(*pair)
    if bindings is not None:
        assert unify(*pair, bindings) is bindings


@given(small)
def test_everything_unifies_with_itself_without_bindings(kind: Type) -> None:
    assert unify(kind, kind) is NO_BINDINGS


@given(st.lists(pairs, max_size=4))
def test_a_solver_that_refused_is_as_before(some: list[tuple[Type, Type]]) -> None:
    solver = Solver()
    for left, right in some:
        before = solver.bindings()
        try:
            solver.unify(left, right)
        except (MismatchError, TypeBoundError):
            assert solver.bindings() == before


@given(st.lists(pairs, max_size=4))
def test_the_solver_and_the_function_agree(some: list[tuple[Type, Type]]) -> None:
    solver, bindings = Solver(), NO_BINDINGS
    for left, right in some:
        try:
            bindings = unify(left, right, bindings)
        except (MismatchError, TypeBoundError) as error:
            with pytest.raises(type(error)):
                solver.unify(left, right)
        else:
            solver.unify(left, right)
    whole = TupleType(tuple(map(Variable, VARIABLES)))
    assert renamed(solver.resolve(whole)) == renamed(resolve(whole, bindings))


# --- Single facts ----------------------------------------------------------------------------------------------------


def test_a_variable_takes_what_it_meets() -> None:
    assert resolve(parse_type("{x: [t]}"), unified("t", "Maybe<Image>")) == parse_type("{x: [Maybe<Image>]}")


def test_a_variable_means_the_same_in_every_place() -> None:
    with pytest.raises(MismatchError, match=r"cannot unify Int64 with String \(at: root\.1\)"):
        unified("(t, t)", "(Int64, String)")


def test_equal_names_in_two_scopes_are_two_variables() -> None:
    left, right = in_scope(parse_type("[t]"), "one"), in_scope(parse_type("t"), "other")
    assert resolve(right, unify(left, right)) == left


def test_bindings_go_on_from_earlier_ones() -> None:
    bindings = unify(parse_type("t"), parse_type("[u]"))
    bindings = unify(parse_type("u"), parse_type("Bool"), bindings)
    assert resolve(parse_type("t"), bindings) == parse_type("[Bool]")


def test_given_bindings_stay_as_they_are() -> None:
    first = unified("t", "[u]")
    before = dict(first)
    unify(parse_type("u"), parse_type("Bool"), first)
    assert first == before


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ("Image", "[BoundingBox]", "cannot unify Image with a list (at: root)"),
        ("[{x: Int64}]", "[{x: Bool}]", "cannot unify Int64 with Bool (at: root[].x)"),
        ("{x: Int64}", "{y: Int64}", "only one of the records has the field x (at: root)"),
        ("(Bool, [Char])", "(Bool, [Bool])", "cannot unify Char with Bool (at: root.1[])"),
        ("(Bool,)", "(Bool, Bool)", "cannot unify a tuple of 1 with a tuple of 2 (at: root)"),
        ("Maybe<Int64>", "Maybe<Double>", "cannot unify Int64 with Double (at: root<0>)"),
        ("Maybe<Int64>", "Just<Int64>", "cannot unify Maybe<Int64> with Just<Int64> (at: root)"),
        ("Bool | Char", "Bool | Char | Bytes", "only one of the unions has the alternative Bytes (at: root)"),
        ("[t] | Bool", "[Char] | Bool | Bytes", "only one of the unions has the alternative Bytes (at: root)"),
        ("([t] | Bool, t)", "([Char] | Bool, Int64)", "cannot unify Char with Int64 (at: root.1)"),
        ("Timestamp", "Int64", "cannot unify Timestamp with Int64 (at: root)"),
        ("Int32", "Int64", "cannot unify Int32 with Int64 (at: root)"),
    ],
    ids=str,
)
def test_a_mismatch_says_where_they_part(left: str, right: str, message: str) -> None:
    with pytest.raises(MismatchError) as caught:
        unified(left, right)
    assert str(caught.value) == message


@pytest.mark.parametrize(("left", "right"), [("t", "[t]"), ("(t, u)", "([u], [t])"), ("(t, t)", "(u, Maybe<u>)")], ids=str)
def test_no_type_contains_itself(left: str, right: str) -> None:
    with pytest.raises(InfiniteTypeError, match="would contain itself"):
        unified(left, right)


def test_alternatives_pair_by_what_they_are_outside() -> None:
    bindings = unified("Nothing | Just<t> | [u]", "[Bool] | Just<Image> | Nothing")
    assert resolve(parse_type("(t, u)"), bindings) == parse_type("(Image, Bool)")


# --- Bombs -----------------------------------------------------------------------------------------------------------


def doubled(level: int) -> tuple[Type, Type]:
    """Level by level, `x(n) = (x(n-1), x(n-1))`: written out, 2^level parts."""
    return Variable(f"x{level}"), TupleType((Variable(f"x{level - 1}"), Variable(f"x{level - 1}")))


def test_types_that_double_are_refused_when_they_get_too_large() -> None:
    solver = Solver()
    with pytest.raises(TypeBoundError, match="more than 2000 parts"):
        for level in range(1, 40):
            solver.unify(*doubled(level))


def test_doubling_from_the_other_end_is_refused_when_it_is_resolved() -> None:
    solver = Solver()
    for level in reversed(range(1, 31)):
        solver.unify(*doubled(level))
    with pytest.raises(TypeBoundError):
        solver.resolve(Variable("x30"))


def test_two_doublings_unify_without_being_written_out() -> None:
    solver = Solver()
    for level in reversed(range(1, 31)):
        solver.unify(*doubled(level))
        left, right = doubled(level)
        solver.unify(in_scope(left, "other"), in_scope(right, "other"))
    solver.unify(Variable("x30"), Variable("x30", "other"))
    assert solver.resolve(Variable("x0")) == solver.resolve(Variable("x0", "other"))


def test_a_long_chain_of_lists_is_refused() -> None:
    solver = Solver()
    with pytest.raises(TypeBoundError, match=f"more than {limits.TYPE_DEPTH_MAX} levels"):
        for level in range(10_000):
            solver.unify(Variable(f"x{level + 1}"), ListType(Variable(f"x{level}")))


def test_a_long_chain_of_equal_variables_is_one_class() -> None:
    solver = Solver()
    for number in range(10_000):
        solver.unify(Variable(f"x{number}"), Variable(f"x{number + 1}"))
    solver.unify(Variable("x5000"), parse_type("Bool"))
    assert {str(solver.resolve(Variable(f"x{number}"))) for number in range(10_001)} == {"Bool"}
