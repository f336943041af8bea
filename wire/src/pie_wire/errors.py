"""Errors of this distribution: text or data from outside that does not have the agreed form."""


class WireError(Exception):
    """Base of every error raised here on purpose. The message is a sentence for a person."""


class ShapeError(WireError):
    """A value has the wrong shape. `path` names it (`model[0].driver.type`; empty: the whole), `problem` says what is wrong."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


class ManifestError(ShapeError):
    """A `Pie.toml` that cannot be used. `path` is the key that is wrong."""


class ProgramIdError(WireError):
    """Text that is no program identifier."""


class FrameError(WireError):
    """A frame that is no message. `corr_id` is what it seems to want its answer under, if that can be read."""

    def __init__(self, problem: str, corr_id: int | None) -> None:
        super().__init__(problem)
        self.corr_id = corr_id


class ChunkError(WireError):
    """A chunk that does not follow the ones before it, or one too many bytes. The texts are those of Pie 0.4."""
