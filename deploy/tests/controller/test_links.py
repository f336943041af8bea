"""Who may speak on the control link, and what is understood."""

from pie_deploy.controller.links import Links
from pie_deploy.ports.control import Peer
from pie_flow.control import ConfigApplied, Go, Hello, Pulse, Ready, Refused, SetConfig, Step, ToContainer, Welcome


class Container:
    """The other end of a link."""

    def __init__(self, links: Links, identity: bytes = b"one") -> None:
        self.heard: list[ToContainer] = []
        self._links = links
        self._peer = Peer(identity, self.heard.append)

    def hello(self, incarnation: str = "x", secret: str = "s", container_id: str = "c-1", **more: object) -> str | None:
        fields = {"pid": 1, "step": "started", "config_seq": 0, **more}
        hello = Hello(container_id=container_id, incarnation=incarnation, secret=secret, **fields)  # type: ignore[arg-type]
        return self._links.heard(self._peer, hello)

    def say(self, message: Step | Ready | Refused | ConfigApplied | Pulse) -> str | None:
        return self._links.heard(self._peer, message)


def _links() -> Links:
    links = Links()
    links.admit({"c-1": "s"})
    return links


def test_a_container_with_its_secret_is_welcome() -> None:
    links = _links()
    container = Container(links)
    assert container.hello() == "c-1"
    assert container.heard == [Welcome()]
    assert links.of("c-1") is not None


def test_a_stranger_a_wrong_secret_and_an_unknown_id_are_dropped() -> None:
    links = _links()
    container = Container(links)
    assert container.say(Ready()) is None
    assert container.hello(secret="guess") is None
    assert container.hello(container_id="c-2") is None
    assert links.of("c-1") is None
    assert (container.heard, links.statistics().dropped) == ([], 3)


def test_a_container_tells_how_far_it_has_come() -> None:
    links = _links()
    container = Container(links)
    container.hello()
    steps = []
    for message in (Step(step="imported"), Step(step="standby"), Ready()):
        assert container.say(message) == "c-1"
        link = links.of("c-1")
        assert link is not None
        steps.append(link.step)
    assert steps == ["imported", "standby", "ready"]


def test_a_hello_from_a_new_connection_takes_the_place_of_the_old_one() -> None:
    links = _links()
    old, new = Container(links, b"one"), Container(links, b"two")
    old.hello()
    new.hello(step="standby")
    assert old.say(Ready()) is None
    link = links.of("c-1")
    assert link is not None
    assert link.step == "standby"
    links.send("c-1", Go())
    assert new.heard == [Welcome(), Go()]


def test_what_was_sent_is_remembered_as_long_as_the_connection_holds() -> None:
    links = _links()
    container = Container(links)
    container.hello()
    assert links.send("c-1", Go())
    assert links.send("c-1", SetConfig(seq=4))
    container.hello(step="connected")
    link = links.of("c-1")
    assert link is not None
    assert (link.went, link.pushed_seq) == (True, 4)
    Container(links, b"two").hello(step="connected")
    link = links.of("c-1")
    assert link is not None
    assert (link.went, link.pushed_seq) == (True, 0)


def test_who_still_stands_by_may_have_missed_its_go() -> None:
    links = _links()
    container = Container(links)
    container.hello(step="standby")
    links.send("c-1", Go())
    assert container.hello(step="standby") == "c-1"
    link = links.of("c-1")
    assert link is not None
    assert not link.went


def test_a_hello_that_says_nothing_new_is_no_news() -> None:
    links = _links()
    container = Container(links)
    assert container.hello(step="ready") == "c-1"
    assert container.hello(step="ready") is None
    assert container.heard == [Welcome(), Welcome()]


def test_a_process_that_is_over_is_not_heard_any_more() -> None:
    links = _links()
    container = Container(links)
    container.hello("old")
    links.forget("c-1")
    assert container.say(Ready()) is None
    assert container.hello("old") is None
    assert container.hello("new") == "c-1"


def test_a_refusal_outlives_a_reconnection() -> None:
    links = _links()
    container = Container(links)
    container.hello()
    container.say(Refused(reason="precondition", message="no weights"))
    container.hello()
    link = links.of("c-1")
    assert link is not None
    assert link.refusal is not None


def test_errors_of_a_hook_are_shown_by_name_and_bounded() -> None:
    links = _links()
    container = Container(links)
    container.hello()
    container.say(ConfigApplied(seq=3, errors={"b": "x" * 10_000, "a": "too rude"}))
    link = links.of("c-1")
    assert link is not None
    assert link.config_seq == 3
    assert link.config_errors.startswith("a: too rude; b: xxx")
    assert len(link.config_errors) <= 2000


def test_a_pulse_is_kept_and_is_no_news() -> None:
    links = _links()
    container = Container(links)
    container.hello()
    assert container.say(Pulse(ticks=3, failures=1)) is None
    pulse = links.pulse("c-1")
    assert pulse is not None
    assert pulse.ticks == 3


def test_what_may_not_speak_any_more_is_forgotten() -> None:
    links = _links()
    container = Container(links)
    container.hello()
    links.admit({})
    assert links.of("c-1") is None
    assert not links.send("c-1", Go())
    assert container.say(Ready()) is None
