"""The engine's error tree. A class says what the caller can do; `code` is the word that travels to guests and clients."""

from typing import ClassVar


class PieError(Exception):
    """Base of every error that the engine raises on purpose. The message is a sentence for a person."""

    code: ClassVar[str] = "internal"

    @property
    def message(self) -> str:
        return str(self)


# --- The caller gave something wrong -------------------------------------------------------------------------------


class InvalidArgumentError(PieError):
    code = "invalid-argument"


class InvalidJsonError(PieError):
    code = "invalid-json"


class EmptyInputError(PieError):
    code = "empty-input"


class TokenOutOfRangeError(PieError):
    code = "token-out-of-range"


class LengthOutOfRangeError(PieError):
    code = "length-out-of-range"


class ContextLimitError(PieError):
    """The tokens do not fit the model's longest context."""

    code = "context-limit"


class OutOfPagesError(PieError):
    """The request needs more KV cache pages than there are in all: waiting would not help."""

    code = "out-of-pages"


class TemplateError(PieError):
    code = "template"


class ConfigError(PieError):
    code = "config"


class ManifestError(PieError):
    code = "manifest"


class ProgramError(PieError):
    """A program that cannot be loaded: corrupt, of another world, not to be built."""

    code = "program"


class ModelError(PieError):
    """A model folder that cannot be loaded: missing or misshapen tensors, unknown architecture, vocabulary mismatch."""

    code = "model"


# --- The thing is not there, or not in a state to do this ----------------------------------------------------------


class ModelNotFoundError(PieError):
    code = "model-not-found"


class ProgramNotFoundError(PieError):
    code = "program-not-found"


class ContextNotFoundError(PieError):
    code = "context-not-found"


class ContextNameTakenError(PieError):
    code = "name-taken"


class ContextBusyError(PieError):
    """A forward pass or generation is running on the context."""

    code = "context-busy"


class ContextReleasedError(PieError):
    code = "context-released"


# --- Something broke; trying again may help -----------------------------------------------------------------------


class DriverError(PieError):
    """The driver failed while it held the request."""

    code = "driver-failed"


class DriverLostError(DriverError):
    """The driver died and took the KV cache with it."""

    code = "driver-lost"


class CancelledProcessError(PieError):
    """The process was terminated from outside."""

    code = "cancelled"


class GuestError(PieError):
    """The guest trapped, ran out of memory or stack, or could not be started. The message carries its own words."""

    code = "guest"

    def __init__(self, message: str, *, backtrace: str = "") -> None:
        super().__init__(message)
        self.backtrace = backtrace
        """The guest's stack when it trapped, one frame per line, innermost first; may be empty."""
