"""`python -m pie_component`: runs the container that the environment variable `PIE_CONTAINER` describes, or with `test FOLDER`
tries a component out."""

import os
import sys
from functools import partial
from pathlib import Path

from pie_flow.container import SPEC_VARIABLE


def main() -> int:
    if sys.argv[1:2] == ["test"]:
        from pie_component.harness import main as try_out

        return try_out(sys.argv[2:])
    path = os.environ.get(SPEC_VARIABLE)
    if path is None:
        print(f"{SPEC_VARIABLE} names no spec; to try a component out: python -m pie_component test FOLDER", file=sys.stderr)
        return 2
    return _run(Path(path))


def _run(path: Path) -> int:
    from pie_component import logs
    from pie_component.author import author
    from pie_component.container import Container, serve
    from pie_flow import container as specs

    spec = specs.decode(path.read_bytes())
    logs.set_up(debug=spec.debug)
    if spec.debug:
        import faulthandler

        faulthandler.enable()
    os.chdir(spec.work_folder)
    container = Container(spec, author.config, author.files)
    program = spec.program
    match program:
        case specs.PythonProgram():
            from pie_component.programs.python import run_python

            return serve(container, partial(run_python, program=program, author=author))
        case specs.TransformationProgram():
            from pie_component.programs.transformation import run_transformation

            return serve(container, partial(run_transformation, program=program))
        case specs.CommandProgram():
            from pie_component.programs.command import run_command

            return run_command(container, program)
        case specs.InferletProgram():
            from pie_component.programs.inferlet import run_inferlet

            return serve(container, partial(run_inferlet, program=program, config=author.config))


if __name__ == "__main__":
    sys.exit(main())
