import errno

import pytest

from pie.wasi.quota import Quota, QuotaStatistics


def quota():
    return Quota(size_bytes_max=100, entries_max=2, descriptors_max=1)


def test_bytes_are_bounded_and_come_back():
    counted = quota()
    counted.grow(100)
    with pytest.raises(OSError) as caught:
        counted.grow(1)
    assert caught.value.errno == errno.EDQUOT
    counted.shrink(50)
    counted.grow(50)
    assert counted.statistics() == QuotaStatistics(size_bytes=100, entries=0, descriptors=0)


def test_shrinking_is_always_possible():
    counted = quota()
    counted.grow(100)
    counted.grow(-100)
    assert counted.statistics().size_bytes == 0


def test_entries_are_bounded():
    counted = quota()
    for _ in range(2):
        with counted.entry():
            pass
    with pytest.raises(OSError), counted.entry():
        pass
    counted.remove_entry()
    assert counted.statistics().entries == 1


def test_an_entry_that_could_not_be_made_does_not_count():
    counted = quota()
    with pytest.raises(FileExistsError), counted.entry():
        raise FileExistsError
    assert counted.statistics().entries == 0


def test_descriptors_are_bounded():
    counted = quota()
    with counted.descriptor():
        pass
    with pytest.raises(OSError) as caught, counted.descriptor():
        pass
    assert caught.value.errno == errno.EMFILE
    counted.remove_descriptor()
    assert counted.statistics().descriptors == 0
