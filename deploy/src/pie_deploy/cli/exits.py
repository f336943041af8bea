"""What the exit status of a command says. One table, for every code of `pie_deploy.errors`."""

from collections.abc import Mapping

OK = 0
FAILED = 1
"""What was asked for was tried and did not come out well: a deployment failed, a test did not pass, a disk is full."""
USAGE = 2
REJECTED = 3
"""A rule says no."""
NOT_FOUND = 4
AUTHENTICATION = 5
UNREACHABLE = 6
TIMEOUT = 7
INTERRUPTED = 130
"""Ctrl-C, as shells have it."""

EXITS: Mapping[str, int] = {
    "invalid_argument": USAGE,
    "bad_manifest": REJECTED,
    "type_mismatch": REJECTED,
    "bad_literal": REJECTED,
    "graph_incomplete": REJECTED,
    "sketch_present": REJECTED,
    "invalid_operation": REJECTED,
    "not_found": NOT_FOUND,
    "already_exists": REJECTED,
    "conflict": REJECTED,
    "graph_locked": REJECTED,
    "deployment_live": REJECTED,
    "deployment_state": REJECTED,
    "deployment_failed": FAILED,
    "test_failed": FAILED,
    "placement": REJECTED,
    "runtime_full": REJECTED,
    "runtime_class_mismatch": REJECTED,
    "runtime_locked": REJECTED,
    "lease_closed": REJECTED,
    "lease_ownership": REJECTED,
    "unauthenticated": AUTHENTICATION,
    "forbidden": AUTHENTICATION,
    "unreachable": UNREACHABLE,
    "timeout": TIMEOUT,
    "launcher": FAILED,
    "storage": FAILED,
    "internal": FAILED,
}


def exit_status(code: str) -> int:
    """Of an error's code, also of one that a newer control plane has made up."""
    return EXITS.get(code, FAILED)
