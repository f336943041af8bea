import pytest

from pie_deploy.app.visitors import is_welcome


@pytest.mark.parametrize("origin", [None, "http://localhost", "http://127.0.0.1:3000", "https://[::1]:1"])
def test_programs_and_pages_of_this_machine_are_let_in(origin: str | None) -> None:
    assert is_welcome({} if origin is None else {"origin": origin})


@pytest.mark.parametrize("origin", ["null", "", "https://evil.example", "http://localhost.evil.example", "http://[bad"])
def test_pages_of_other_sites_are_not(origin: str) -> None:
    assert not is_welcome({"origin": origin})
