from scripted_engine import Engine

from inferlet import runtime


def test_the_engine_says_what_it_is(engine: Engine) -> None:
    assert runtime.version() == "0.1.0"
    assert runtime.instance_id() == "3b241101-e2bb-4255-8caf-4136c566a962"
    assert runtime.username() == "ada"
    assert runtime.models() == ["fake"]
