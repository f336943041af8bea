"""What a request is refused with."""


class RefusedError(Exception):
    """The request is answered with `ok=false` and this text."""
