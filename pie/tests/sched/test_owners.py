import pytest

from sched_fakes.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_an_owner_is_forgotten_with_its_last_context(rig):
    one, two = rig.context("a"), rig.context("a")
    rig.core.release(one, 0.0)
    assert len(rig.core.owners) == 1
    rig.core.release(two, 0.0)
    assert len(rig.core.owners) == 0


def test_service_is_tokens_computed(rig):
    context = rig.context("a")
    rig.forward(context, [1, 2, 3])
    rig.run()
    assert context.owner.service == 3


def test_a_newcomer_starts_where_the_least_served_stand(rig):
    old = rig.context("old")
    rig.generate(old, [1, 2, 3], tokens_max=30)
    for _ in range(5):
        rig.step()
    before = old.owner.service
    newcomer = rig.context("new")
    rig.forward(newcomer, [1])
    assert 0 < newcomer.owner.service <= before


def test_staying_away_saves_nothing_up(rig):
    away, busy = rig.context("away"), rig.context("busy")
    rig.forward(away, [1])
    rig.run()
    rig.generate(busy, [1, 2, 3], tokens_max=30)
    rig.run()
    rig.forward(busy, [1])
    rig.hand_out()
    rig.forward(away, [1])
    assert away.owner.service >= busy.owner.service - 1
