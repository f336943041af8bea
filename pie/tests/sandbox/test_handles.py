import logging

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pie.sandbox.handles import HandleTable, ResourceTypes
from pie.sandbox.interface import GuestTrap


class Simulation(RuleBasedStateMachine):
    """The table against a plain dictionary."""

    def __init__(self):
        super().__init__()
        self.table = HandleTable(size_max=8)
        self.held = {}

    @rule(value=st.integers())
    def add(self, value):
        if len(self.held) == 8:
            with pytest.raises(GuestTrap, match="holds 8 handles"):
                self.table.add(value)
        else:
            representation = self.table.add(value)
            assert representation not in self.held
            self.held[representation] = value

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def remove(self, data):
        representation = data.draw(st.sampled_from(sorted(self.held)))
        assert self.table.get(representation) == self.held[representation]
        assert self.table.remove(representation) == self.held.pop(representation)

    @invariant()
    def holds(self):
        self.table.check()
        assert len(self.table) == len(self.held)


TestHandleTable = Simulation.TestCase


class Loud:
    def __init__(self, name, log):
        self.name, self._log = name, log

    def drop(self):
        self._log.append(self.name)
        if self.name == "bad":
            raise ValueError("drop must not raise")


def test_the_youngest_is_dropped_first_and_one_that_raises_stops_nobody(caplog):
    table, log = HandleTable(), []
    for name in ("parent", "bad", "child"):
        table.add(Loud(name, log))
    table.add("without a drop method")
    with caplog.at_level(logging.ERROR):
        table.drop_all()
    assert log == ["child", "bad", "parent"]
    assert len(caplog.records) == 1
    assert len(table) == 0


def test_a_class_is_one_type_and_a_derived_class_the_same():
    class Derived(Loud):
        pass

    types = ResourceTypes()
    assert types.pointer(Loud) == types.pointer(Loud)
    assert types.id_of(Derived("x", [])) == types.id_of(Loud("x", []))
    with pytest.raises(TypeError, match="int is no resource"):
        types.id_of(7)
    types.close()
