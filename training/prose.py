"""English prose that ships with Python: docstrings of the standard library (Python Software Foundation License, version 2)."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

LENGTH_MIN = 200
LENGTH_MAX = 1200
HELD_OUT_EVERY = 20


def docstrings() -> list[str]:
    """Docstrings of the modules directly in the standard library folder, in a fixed order, without doctests."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    texts = (text for path in sorted(folder.glob("*.py")) for text in of_file(path))
    return [text[:LENGTH_MAX] for text in texts if len(text) >= LENGTH_MIN and ">>>" not in text]


def of_file(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented))
    return [text for text in found if text and text.isascii()]


def training_texts() -> list[str]:
    return [text for index, text in enumerate(docstrings()) if index % HELD_OUT_EVERY]


def held_out_texts() -> list[str]:
    """Never trained on."""
    return docstrings()[::HELD_OUT_EVERY]
