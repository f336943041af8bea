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


class GrammarError(PieError):
    """A schema, regular expression or grammar that cannot be used: wrong, not supported, or too large."""

    code = "grammar"


class ConstraintError(PieError):
    """What the output has to obey allows no token any more, or became too complex on the way."""

    code = "constraint"


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


class KeyRefusedError(PieError):
    """Text that is no public key, or one of a kind that is not safe or not supported. The message says what to do."""

    code = "key-refused"


class CredentialsError(PieError):
    """The files of users and API keys cannot be used: readable by others, damaged, not writable."""

    code = "credentials"


class ServerError(PieError):
    """A server cannot be started as asked (the port is taken, the certificate does not fit, a part is not installed), or one that
    runs cannot be reached or says no."""

    code = "server"


# --- The thing is not there, or not in a state to do this ----------------------------------------------------------


class ModelNotFoundError(PieError):
    code = "model-not-found"


class ProgramNotFoundError(PieError):
    code = "program-not-found"


class UserNotFoundError(PieError):
    """No such user, or no key of that name."""

    code = "user-not-found"


class ContextNotFoundError(PieError):
    code = "context-not-found"


class ContextNameTakenError(PieError):
    code = "name-taken"


class ContextBusyError(PieError):
    """A forward pass or generation is running on the context."""

    code = "context-busy"


class ContextReleasedError(PieError):
    code = "context-released"


# --- Not now, or not so much ------------------------------------------------------------------------------------------


class TooManyProcessesError(PieError):
    """The user has as many live processes as one user may have."""

    code = "too-many-processes"


class QuotaError(PieError):
    """The user has used up more tokens than one user may have computed per minute."""

    code = "quota"

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DrainingError(PieError):
    """The engine lets what runs finish and takes nothing new."""

    code = "draining"


class TokenBudgetError(PieError):
    """The process has handed in and drawn as many tokens as it was launched with."""

    code = "token-budget"


# --- Something broke; trying again may help -----------------------------------------------------------------------


class RegistryError(PieError):
    """The registry cannot be reached, or what it says or sends cannot be used. Nothing of it was kept."""

    code = "registry"


class DriverError(PieError):
    """The driver failed while it held the request."""

    code = "driver-failed"


class DriverLostError(DriverError):
    """The driver died and took the KV cache with it; what was on its way has been tried again in vain, or cannot be."""

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
