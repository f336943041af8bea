"""`language: inferlet`: messages run through a program on an engine."""

from pie_component.container import Container
from pie_component.errors import PreconditionError
from pie_flow.container import InferletProgram


def run_inferlet(container: Container, program: InferletProgram) -> None:
    raise PreconditionError(f"{program.program}: inferlets cannot run yet")
