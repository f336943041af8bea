"""Which sequence is in which lane."""

import random

import pytest

from pie_worker.kv.lane_table import LaneTable


def lanes(table: LaneTable, sequences: list[int]) -> list[int]:
    return sorted(lane for sequence in sequences if (lane := table.lane(sequence)) is not None)


def is_stretch(table: LaneTable, sequences: list[int]) -> bool:
    own = lanes(table, sequences)
    return own == list(range(own[0], own[0] + len(sequences)))


def test_the_same_sequences_stay_where_they_are() -> None:
    table = LaneTable(8)
    assert table.place([3, 1, 2]) == ([3, 1, 2], [])
    assert table.place([1, 2, 3]) == ([], [])


def test_one_that_comes_takes_the_place_of_one_that_left() -> None:
    table = LaneTable(8)
    table.place([1, 2, 3, 4])
    table.remove(2)
    assert table.place([1, 3, 4, 5]) == ([5], [])
    assert table.lane(5) == 1


def test_groups_that_take_turns_do_not_throw_each_other_out() -> None:
    table = LaneTable(8)
    table.place([1, 2, 3])
    table.place([4, 5, 6])
    assert table.place([1, 2, 3]) == ([], [])
    assert table.place([4, 5, 6]) == ([], [])


def test_the_group_that_waited_longest_makes_room() -> None:
    table = LaneTable(4)
    table.place([1, 2])
    table.place([3, 4])
    newcomers, evicted = table.place([5, 6])
    assert (newcomers, evicted) == ([5, 6], [1, 2])


def test_more_sequences_than_lanes_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        LaneTable(2).place([1, 2, 3])


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_placed_stand_side_by_side(seed: int) -> None:
    source = random.Random(seed)
    table = LaneTable(source.randint(4, 12))
    for _ in range(60):
        if source.random() < 0.2:
            table.remove(source.randint(0, 15))
        sequences = source.sample(range(16), source.randint(1, len(table)))
        before = {sequence: table.lane(sequence) for sequence in sequences}
        newcomers, evicted = table.place(sequences)
        table.check()
        assert is_stretch(table, sequences)
        assert all(before[sequence] == table.lane(sequence) for sequence in sequences if sequence not in newcomers)
        assert all(table.lane(sequence) is None for sequence in evicted)
