"""How every fake function begins."""

from componentize_py_types import Err
from scripted_engine import Engine, engine

from wit_world.imports.types import Error


def enter(function: str) -> Engine:
    """Notes the call. Raises its error arm if the test asked for it."""
    current = engine()
    current.entered(function)
    fault = current.fault(function)
    if fault is not None:
        raise Err(Error(*fault))
    return current


def refuse(code: str, message: str) -> Err:
    return Err(Error(code, message))
