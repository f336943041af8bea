import pytest

from bakery import BuildError, SourceError
from bakery.componentize import explain
from bakery.entry import entry_source
from bakery.project import Project
from pie_wire.manifest import Manifest, Package

PROJECT = Project(Manifest(package=Package("toast", "0.1.0")), {"main.py": b""}, shown="toast.py")

TRACEBACK = """\
Traceback (most recent call last):
  File "<string>", line 1, in <module>
AssertionError: Traceback (most recent call last):
  File "/1/inferlet_component.py", line 7, in <module>
    import main as program
{frames}
{failure}


Caused by:
    {failure}
"""


def log(frames: str, failure: str) -> str:
    return TRACEBACK.format(frames=frames, failure=failure)


@pytest.mark.parametrize(
    ("frames", "failure", "expected"),
    [
        (
            '  File "/0/main.py", line 3\n    return 1 +\n              ^',
            "SyntaxError: invalid syntax",
            "toast.py:3: syntax error: invalid syntax",
        ),
        (
            '  File "/0/main.py", line 2, in <module>\n    import helper\n  File "/0/helper.py", line 5, in <module>\n    1 / 0',
            "ZeroDivisionError: division by zero",
            "helper.py:5: ZeroDivisionError: division by zero",
        ),
        (
            '  File "/0/main.py", line 1, in <module>\n    import ssl\n  File "/python/ssl.py", line 100, in <module>',
            "ModuleNotFoundError: No module named '_ssl'",
            "toast.py:1: ModuleNotFoundError: No module named '_ssl'",
        ),
        ("", "TypeError: `main` must take exactly one argument", "toast.py: TypeError: `main` must take exactly one argument"),
    ],
)
def test_a_failure_in_the_source_is_told_with_its_place(frames: str, failure: str, expected: str) -> None:
    error = explain(PROJECT, log(frames, failure))
    assert isinstance(error, SourceError)
    assert str(error) == expected


def test_calling_the_engine_while_imported_is_explained() -> None:
    error = explain(PROJECT, "wasm backtrace:\n    1: called trapping stub: pie:inferlet/runtime@0.1.0#models\n")
    assert (
        str(error) == "toast.py: calls the engine (pie:inferlet/runtime@0.1.0#models) while it is imported; do that inside `main`"
    )


def test_a_failure_of_the_toolchain_keeps_what_it_said() -> None:
    error = explain(PROJECT, "error: disk full\n")
    assert isinstance(error, BuildError)
    assert error.log == "error: disk full\n"


def test_the_entry_imports_what_may_be_needed_later_before_it_freezes_the_memory() -> None:
    source = entry_source(["difflib", "main"], ["/0/main.py"])
    compile(source, "entry", "exec")
    assert "import difflib as _" in source
    assert "import main as _" not in source
    assert source.rstrip().endswith("_entry.prepare(['/0/main.py'])")
