import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.requirements import check_requirements
from pie_deploy.limits import REQUIREMENTS_BYTES_MAX


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy==2.1.0",
        "Pillow >= 10, < 12",
        "httpx[http2]~=0.27",
        'tomli; python_version < "3.11"',
        f"numpy==2.1.0 --hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}",
    ],
)
def test_packages_with_versions_conditions_and_hashes_are_allowed(line: str) -> None:
    assert check_requirements(line.encode()) == f"{line}\n"


def test_comments_and_empty_lines_do_not_count() -> None:
    assert check_requirements(b"# first\n\nnumpy==2  # why\n   \n") == "numpy==2\n"


def test_a_line_may_go_on_in_the_next() -> None:
    assert check_requirements(b"numpy==2 \\\n  --hash=sha256:00\n").split() == ["numpy==2", "--hash=sha256:00"]


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--index-url https://evil.example/simple",
        "-r /etc/passwd",
        "numpy --global-option=x",
        "./local",
        "/etc/passwd",
        "../up.whl",
        "file:///etc/passwd",
        "https://evil.example/x.whl",
        "name @ https://evil.example/x.whl",
        "name @ file:///x",
        "git+https://evil.example/x",
        "local/folder",
        "${HOME}",
    ],
)
def test_nothing_else_is(line: str) -> None:
    with pytest.raises(LauncherError, match="line 2"):
        check_requirements(f"numpy\n{line}\n".encode())


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(LauncherError, match="more than"):
        check_requirements(b"a\n" * REQUIREMENTS_BYTES_MAX)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(LauncherError, match="UTF-8"):
        check_requirements(b"\xff")


@given(st.text(max_size=200))
def test_no_line_begins_like_an_option_whatever_comes_in(text: str) -> None:
    try:
        checked = check_requirements(text.encode())
    except LauncherError:
        return
    assert all(line[0].isalnum() for line in checked.split("\n") if line)
