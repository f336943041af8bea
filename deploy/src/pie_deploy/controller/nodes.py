"""Which machines of a runtime are lost. Pure."""

from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from pie_deploy.domain.records import Node, Runtime


def watched_nodes(runtime: Runtime, present: AbstractSet[str], known: AbstractSet[str], now_ns: int) -> Runtime:
    """The runtime as its launcher sees it now. present: ids of the nodes that are there; known: of those that ever were.

    A launcher that does not know any of the runtime's nodes says nothing about them.
    """
    if not any(node.id in present or node.id in known for node in runtime.nodes):
        return runtime
    return replace(runtime, nodes=tuple(_watched(node, node.id in present, now_ns) for node in runtime.nodes))


def _watched(node: Node, is_present: bool, now_ns: int) -> Node:
    if is_present:
        return node if node.lost_since_ns is None else replace(node, lost_since_ns=None)
    return node if node.lost_since_ns is not None else replace(node, lost_since_ns=now_ns)
