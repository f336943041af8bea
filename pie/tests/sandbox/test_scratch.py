import gc
import weakref
from itertools import pairwise

from pie.sandbox.scratch import Scratch


class Kept:
    pass


def test_pieces_do_not_overlap():
    scratch = Scratch(1024)
    places = sorted((scratch.take(size), size) for size in (32, 48, 8, 2000, 96, 900, 16))
    assert all(one + size <= two for (one, size), (two, _) in pairwise(places))


def test_clearing_makes_room_again():
    scratch = Scratch(1024)
    first = scratch.take(512)
    scratch.clear()
    assert scratch.take(512) == first


def test_what_is_kept_lives_until_it_is_cleared():
    scratch, value = Scratch(1024), Kept()
    alive = weakref.ref(value)
    scratch.keep(value)
    del value
    gc.collect()
    assert alive() is not None
    scratch.clear()
    assert alive() is None
