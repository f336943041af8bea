"""Which sequence is in which lane. Pure.

A decode step reads the keys and values of all its sequences at once, which wants them side by side: lane i, i + 1, … without a
gap, in any order. The table finds the stretch of lanes that needs the fewest changes for a set of sequences, and says who is where.
Groups of sequences that take turns settle in stretches of their own.
"""

from collections.abc import Sequence


class LaneTable:
    def __init__(self, lanes_count: int) -> None:
        self._occupants: list[int | None] = [None] * lanes_count
        self._used_at = [0] * lanes_count
        self._lanes: dict[int, int] = {}
        self._clock = 0

    def __len__(self) -> int:
        return len(self._occupants)

    def lane(self, sequence: int) -> int | None:
        return self._lanes.get(sequence)

    def remove(self, sequence: int) -> None:
        lane = self._lanes.pop(sequence, None)
        if lane is not None:
            self._occupants[lane] = None
            self._used_at[lane] = 0

    def place(self, sequences: Sequence[int]) -> tuple[list[int], list[int]]:
        """Puts the sequences side by side; returns those newly placed (their lanes hold nothing of theirs) and those thrown out.

        There are at most as many sequences as lanes, each named once.
        """
        assert len(sequences) <= len(self), "more sequences than lanes"
        self._clock += 1
        lanes = [self._lanes.get(sequence, -1) for sequence in sequences]
        start = min(lanes)
        if start < 0 or max(lanes) - start >= len(lanes):
            start = self._best_start(set(sequences))
        newcomers, evicted = self._settle(sequences, start)
        self._used_at[start : start + len(sequences)] = [self._clock] * len(sequences)
        return newcomers, evicted

    def check(self) -> None:
        """The two directions of the table agree."""
        for sequence, lane in self._lanes.items():
            assert self._occupants[lane] == sequence
        assert sum(occupant is not None for occupant in self._occupants) == len(self._lanes)

    def _best_start(self, members: set[int]) -> int:
        """The stretch with the most members in it; among equals the one whose other occupants have waited longest."""
        width = len(members)
        starts = range(len(self) - width + 1)
        return max(starts, key=lambda start: self._fitness(start, start + width, members))

    def _fitness(self, start: int, stop: int, members: set[int]) -> tuple[int, int]:
        present, newest_stranger = 0, 0
        for lane in range(start, stop):
            if self._occupants[lane] in members:
                present += 1
            elif self._used_at[lane] > newest_stranger:
                newest_stranger = self._used_at[lane]
        return present, -newest_stranger

    def _settle(self, sequences: Sequence[int], start: int) -> tuple[list[int], list[int]]:
        stretch = range(start, start + len(sequences))
        newcomers = [sequence for sequence in sequences if self._lanes.get(sequence, -1) not in stretch]
        if not newcomers:
            return [], []
        members = set(sequences)
        free = [lane for lane in stretch if self._occupants[lane] not in members]
        evicted = [occupant for lane in free if (occupant := self._occupants[lane]) is not None]
        for sequence in (*evicted, *newcomers):
            self.remove(sequence)
        for sequence, lane in zip(newcomers, free, strict=True):
            self._occupants[lane] = sequence
            self._lanes[sequence] = lane
        return newcomers, evicted
