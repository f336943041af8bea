from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pie_component.errors import PreconditionError
from pie_component.programs import python


def loaded(folder: Path, source: str) -> str:
    """Why a program with that source cannot be loaded."""
    entry = folder / "main.py"
    entry.write_text(source)
    author: Any = SimpleNamespace(has_run=False)
    with pytest.raises(PreconditionError) as refusal:
        python._run_module(entry, author)
    return str(refusal.value)


def test_a_module_that_is_not_there_is_told_with_where_to_ask_for_it(tmp_path: Path) -> None:
    assert loaded(tmp_path, "import nowhere_at_all\n") == (
        "main.py cannot be loaded: No module named 'nowhere_at_all'; what it needs stands in requirements.txt, pinned"
    )


def test_a_program_that_is_no_python_is_told_with_its_line(tmp_path: Path) -> None:
    assert loaded(tmp_path, "\ndef (\n") == "main.py cannot be loaded: invalid syntax (main.py, line 2)"
