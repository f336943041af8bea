"""Which pages may talk to a server without authentication."""

import pytest

from pie_http.origin import is_loopback, is_trusted


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST.", "app.localhost", "::1", "[::1]"])
def test_addresses_and_names_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com", "127.0.0.1.example.com", ""])
def test_what_others_can_reach_or_make_point_here(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.0.0.1"])
def test_programs_on_this_machine_are_served(host: str) -> None:
    assert is_trusted({"host": host}, "127.0.0.1")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:9", "http://app.localhost"])
def test_pages_of_this_machine_are_served(origin: str) -> None:
    assert is_trusted({"host": "127.0.0.1:8080", "origin": origin}, "127.0.0.1")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1.evil.example", "http://[", "https://localhost.evil"]
)
def test_pages_of_others_are_not(origin: str) -> None:
    assert not is_trusted({"host": "127.0.0.1:8080", "origin": origin}, "127.0.0.1")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "", "localhost.evil:80", "[::1"])
def test_a_name_that_somebody_made_point_here_is_not_served_even_without_origin(host: str) -> None:
    assert not is_trusted({"host": host}, "127.0.0.1")


def test_a_health_check_of_old_need_not_say_whom_it_calls() -> None:
    assert is_trusted({}, "127.0.0.1")


def test_an_open_server_is_called_by_any_name_and_used_by_its_own_pages() -> None:
    assert is_trusted({"host": "pie.lan:8080"}, "0.0.0.0")
    assert is_trusted({"host": "pie.lan:8080", "origin": "http://pie.lan"}, "0.0.0.0")
    assert not is_trusted({"host": "pie.lan:8080", "origin": "http://evil.example"}, "0.0.0.0")
