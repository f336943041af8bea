"""A platform that goes and comes back while somebody watches."""

from collections.abc import Iterator
from itertools import count

import pytest

from pie_deploy.cli.client import Client
from pie_deploy.cli.patience import patiently
from pie_deploy.config.target import Target
from pie_deploy.errors import NotFoundError, UnreachableError


def client(urls: Iterator[str] | None = None) -> Client:
    ports = urls or (f"http://127.0.0.1:{port}" for port in count(1))
    return Client(next(ports), "key", find=lambda: Target(next(ports), "key", None))


def test_a_platform_that_goes_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [UnreachableError("it has gone"), UnreachableError("not yet")]
    slept: list[float] = []

    def ask() -> str:
        if errors:
            raise errors.pop(0)
        return "here"

    assert patiently(client(), ask, sleep=slept.append) == "here"
    assert len(slept) == 2
    assert capsys.readouterr().err.splitlines() == [
        "pie: it has gone; waiting until it is up again",
        "pie: the platform is up again",
    ]


def test_a_platform_that_answers_is_not_talked_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert patiently(client(), lambda: 1) == 1
    assert capsys.readouterr().err == ""


def test_other_errors_are_not_waited_out() -> None:
    def ask() -> None:
        raise NotFoundError("no")

    with pytest.raises(NotFoundError):
        patiently(client(), ask, UnreachableError("gone"), sleep=lambda _: None)


def test_it_is_found_at_its_new_port() -> None:
    with client() as one:
        one.find_again()
        with pytest.raises(UnreachableError, match=r":2$"):
            one.get("/v1/backends", dict)


def test_one_that_is_not_up_yet_is_looked_for_where_it_was() -> None:
    def find() -> Target:
        raise UnreachableError("not up")

    with Client("http://127.0.0.1:1", "key", find=find) as one:
        one.find_again()
        with pytest.raises(UnreachableError, match=r":1$"):
            one.get("/v1/backends", dict)
