"""The errors of what flows. A class says what the caller can do; all are `FlowError`, none is raised for a bug."""


class FlowError(Exception):
    """Base of them all. The message is a sentence for a person."""


class SyntaxAtError(FlowError):
    """Text that cannot be read. `column` counts characters from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.reason = message
        self.column = column


class TypeSyntaxError(SyntaxAtError):
    """Text that is not a type."""


class LiteralSyntaxError(SyntaxAtError):
    """Text that is not a literal of the wanted type."""


class UnknownTypeError(FlowError):
    """A named type that the catalogue lacks, or with the wrong number of arguments."""


class TypeBoundError(FlowError):
    """A type that bindings have made larger or deeper than `pie_flow.limits` allows."""


class MismatchError(FlowError):
    """Two types that do not unify. `left` and `right` are the parts that differ, `path` leads to them from the root."""

    def __init__(self, path: str, left: object, right: object, reason: str) -> None:
        super().__init__(f"{reason} (at: {path})")
        self.path = path
        self.left = left
        self.right = right
        self.reason = reason


class InfiniteTypeError(MismatchError):
    """A variable that would have to contain itself."""


class ValueTypeError(FlowError):
    """A value that is not of its type. `path` leads to the part that is wrong: `root.x[3]`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class TransformationError(FlowError):
    """Parameters from which a transformation cannot be made; the message names the parameter."""
