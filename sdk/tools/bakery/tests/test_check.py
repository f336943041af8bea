import pytest

from bakery import SourceError
from bakery.check import check
from bakery.project import Project
from pie_wire.manifest import Manifest, Package

MAIN = "def main(input): pass\n"


def project(main: str, **others: str) -> Project:
    files = {"main.py": main.encode()} | {name.replace("__", "/") + ".py": text.encode() for name, text in others.items()}
    return Project(Manifest(package=Package("toast", "0.1.0")), files, shown="toast.py")


def complaint(main: str, **others: str) -> str:
    with pytest.raises(SourceError) as failure:
        check(project(main, **others))
    return str(failure.value)


@pytest.mark.parametrize(
    "main",
    [
        "def main(input): pass",
        "async def main(input): pass",
        "def main(input, more=1, *rest, option=2, **others): pass",
        "def main(*everything): pass",
        "def main(input, /): pass",
        "main = lambda input: 0",
        "from other import main",
        "from other import *",
        "import other\nif other: \n    def main(a): pass",
        "@decorated\ndef main(a, b): pass",
    ],
)
def test_a_main_that_may_fit_is_accepted(main: str) -> None:
    check(project(main, other="def main(input): pass"))


@pytest.mark.parametrize("main", ["", "def mian(input): pass", "class A:\n    x = 1"])
def test_a_missing_main_is_noticed(main: str) -> None:
    assert complaint(main) == "toast.py: has no function `main`; a program begins with `async def main(input):`"


@pytest.mark.parametrize("arguments", ["", "a, b", "*, a", "a, *, b"])
def test_a_main_with_other_arguments_is_noticed_with_its_line(arguments: str) -> None:
    assert complaint(f"import os\n\nasync def main({arguments}): pass") == (
        "toast.py:3: `main` must take exactly one argument, the program's input"
    )


def test_the_last_of_several_mains_counts() -> None:
    check(project("def main(): pass\ndef main(input): pass"))


def test_an_unknown_module_is_noticed_with_its_line() -> None:
    text = complaint(f"import json\nimport flour\n{MAIN}")
    assert text.startswith("toast.py:2: cannot import 'flour': a component holds the standard library")


def test_packages_with_native_extensions_are_named_as_such() -> None:
    assert "native extensions" in complaint(f"from msgspec import json\n{MAIN}")


def test_every_wrong_import_is_listed() -> None:
    text = complaint(f"import flour\nimport helper\n{MAIN}", helper="def f():\n    import yeast")
    assert [line.partition(": ")[0] for line in text.splitlines()] == ["helper.py:2", "toast.py:1"]


@pytest.mark.parametrize(
    "statement",
    [
        "import os.path, collections.abc",
        "from __future__ import annotations",
        "import inferlet",
        "try:\n    import orjson as json\nexcept ImportError:\n    import json",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        "import typing\nif typing.TYPE_CHECKING:\n    import numpy",
    ],
)
def test_imports_that_can_work_are_accepted(statement: str) -> None:
    check(project(f"{statement}\n{MAIN}"))


def test_files_of_the_project_can_be_imported() -> None:
    check(
        project(f"import helper\nfrom tools.oven import bake\n{MAIN}", helper="", tools____init__="", tools__oven="from . import x")
    )


def test_files_that_main_does_not_reach_do_not_matter() -> None:
    check(project(MAIN, tests__test_main="import pytest", setup="import setuptools_scm"))


def test_modules_are_listed_for_the_component_wherever_they_are_imported() -> None:
    modules = check(project(f"def f():\n    import difflib\n    from helper import x\n{MAIN}", helper="import string")).modules
    assert {"difflib", "helper", "string"} <= set(modules)


def test_a_syntax_error_is_a_suspicion_with_file_and_line() -> None:
    suspicion = check(project(f"import helper\n{MAIN}", helper="x = 1\ny = = 2\n")).suspicion
    assert str(suspicion) == "helper.py:2: syntax error: invalid syntax"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\0b", "null bytes"),
        (b"\xff\xfe", "encoding"),
        (b"x = 1\n" * 3 + b"# \xff", "utf-8"),
        (b"# coding: nonsense\n", "unknown encoding"),
    ],
)
def test_what_is_not_text_is_refused_without_a_build(content: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=f"main.py: not Python source: .*{words}"):
        check(Project(project(MAIN).manifest, {"main.py": content}))


def test_text_in_another_encoding_is_text() -> None:
    content = f"# coding: latin-1\n# é\n{MAIN}".encode("latin-1")
    assert check(Project(project(MAIN).manifest, {"main.py": content})) == check(project(MAIN))
