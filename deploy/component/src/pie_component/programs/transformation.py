"""A vertex that only reshapes: a step of `pie_flow.transformations` between its queues."""

from pie_component.container import Container
from pie_component.errors import PreconditionError
from pie_component.modes.mode import Emitter, Mode
from pie_component.modes.transformation import TransformationMode
from pie_flow.container import TransformationProgram
from pie_flow.errors import FlowError
from pie_flow.transformations import TRANSFORMATIONS, Step


def run_transformation(container: Container, program: TransformationProgram) -> None:
    """Raises RefusalError."""
    container.link.step("imported")
    container.configure()
    literals = {name: parameter.value for name, parameter in container.spec.parameters.items()}
    step = _start(program.name, literals)

    def configure(changed: dict[str, str]) -> None:
        step.configure(literals | changed)
        literals.update(changed)

    container.on_change = configure
    container.link.step("configured")
    container.stand_by()
    container.wait_for_go()
    container.connect()

    def mode(emitter: Emitter) -> Mode:
        return TransformationMode(step, [slot.queue for slot in container.inputs], emitter, container.counters)

    container.work(mode)


def _start(name: str, literals: dict[str, str]) -> Step:
    transformation = TRANSFORMATIONS.get(name)
    if transformation is None:
        raise PreconditionError(f"there is no transformation {name}")
    try:
        return transformation.start(literals)
    except FlowError as error:
        raise PreconditionError(f"{name}: {error}") from error
