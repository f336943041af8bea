from pathlib import Path

from pie.config.home import Home, from_environment


def test_the_environment_says_where_the_home_is() -> None:
    assert from_environment({"PIE_HOME": "/somewhere/pie"}) == Home(Path("/somewhere/pie"))


def test_the_default_home_is_in_the_users_folder() -> None:
    assert from_environment({}) == from_environment({"PIE_HOME": ""}) == Home(Path.home() / ".pie")


def test_a_relative_home_is_made_absolute() -> None:
    assert from_environment({"PIE_HOME": "here"}).root == Path.cwd() / "here"


def test_everything_lies_below_the_home() -> None:
    home = Home(Path("/p"))
    for path in (home.config, home.compiled, home.built):
        assert path.is_relative_to("/p")
