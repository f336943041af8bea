"""The errors of a container. A class says what the author or the operator can do."""


class ComponentError(Exception):
    """Base of them all. The message is a sentence for a person."""


class NotInContainerError(ComponentError):
    """What was asked for exists only where the platform runs the component: `pie component test` is the way to try it out."""


class ConfigError(ComponentError, AttributeError):
    """A parameter or file slot that the component does not declare, or that has no value."""


class RefusalError(ComponentError):
    """The container cannot run, now or at a further start. `reason` is a word of `pie_flow.control.Refused`."""

    reason = "precondition"


class PreconditionError(RefusalError):
    """What the container was given is not what it needs."""


class TransportError(RefusalError):
    """A socket cannot be made."""

    reason = "transport"


class ResultError(ComponentError):
    """The function's result is not what its mode or its types ask for. The message fails, the component goes on."""


class GoneError(ComponentError):
    """The caller of an endpoint has gone."""
