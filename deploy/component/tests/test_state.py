"""Checkpoints: whole or not there."""

from pathlib import Path

import pytest

from pie_component.errors import PreconditionError
from pie_component.state import Checkpoint


def test_without_a_checkpoint_the_state_is_the_initial_one(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path).load([1]) == [1]


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    Checkpoint(tmp_path).save({"seen": {1, 2}})
    assert Checkpoint(tmp_path).load(None) == {"seen": {1, 2}}


def test_a_write_that_was_broken_off_leaves_the_old_state(tmp_path: Path) -> None:
    Checkpoint(tmp_path).save(1)
    (tmp_path / "state.pickle.new").write_bytes(b"half")
    assert Checkpoint(tmp_path).load(0) == 1


def test_a_state_that_cannot_be_saved_leaves_the_old_one(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save(1)
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save(lambda: None)
    assert Checkpoint(tmp_path).load(0) == 1


def test_a_state_that_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save([1])
    before = (tmp_path / "state.pickle").stat().st_ino
    checkpoint.save([1])
    assert (tmp_path / "state.pickle").stat().st_ino == before


def test_a_state_that_cannot_be_read_is_a_precondition_that_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "state.pickle").write_bytes(b"nonsense")
    with pytest.raises(PreconditionError, match="cannot be read"):
        Checkpoint(tmp_path).load(0)
