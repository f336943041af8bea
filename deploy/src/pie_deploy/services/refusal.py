"""Every reason at once: what checks raise is collected, and raised together."""

from collections.abc import Iterator
from contextlib import contextmanager

from pie_deploy.errors import DeployError, Detail, NotFoundError
from pie_deploy.limits import REFUSAL_REASONS_MAX


class Reasons:
    """The first error gives the class: put what the caller should look at first, first."""

    def __init__(self) -> None:
        self._errors: list[DeployError] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """What is raised in the block is kept, and the caller goes on. What is not there at all ends everything."""
        try:
            yield
        except NotFoundError:
            raise
        except DeployError as error:
            self._errors.append(error)

    def check(self) -> None:
        """Raises what was collected, if anything was: one error as it is, several as the first with the reasons of all."""
        if not self._errors:
            return
        first, *others = self._errors
        if not others:
            raise first
        details = [detail for error in self._errors for detail in _details(error)]
        more = f" (and {len(details) - 1} more reasons)" if len(details) > 1 else ""
        raise type(first)(f"{details[0].message}{more}", details[:REFUSAL_REASONS_MAX]) from first


def _details(error: DeployError) -> tuple[Detail, ...]:
    return error.details or (Detail(code=error.code, message=error.message),)
