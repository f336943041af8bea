"""The release of WASI whose interfaces are implemented. Guests built against another 0.2 release get this one."""

RELEASE = "0.2.12"


def versioned(interface: str) -> str:
    """ "wasi:io/poll" → "wasi:io/poll@0.2.12"."""
    return f"{interface}@{RELEASE}"
