"""Which full pages are known, by content.

A tree: a node is a full page, a path from the root is a beginning of some token sequence, in steps of one page. The KV of a token
depends on all tokens before it and on nothing else (ordinary lineages), so two lineages that agree on the tokens up to the end of a
page can share the page, and whoever arrives with tokens that follow a path finds their KV already computed. Children are found by
the tokens of their page, compared in full: no hash, no collision.

A page that no lineage refers to *rests*: it stays findable until its room is needed. Whoever refers to a page refers to all pages
before it, so below a resting node everything rests, and giving up leaves first never cuts a path that is in use. The order is least
recently used; a heap of (time of rest, page) with outdated entries skipped.

              root
             /    \\
        [a b c]   [a b d]          pages of 3 tokens
        /     \\
   [d e f]   [d e g]

There may be several trees, one per *realm*: what one realm computes is not found in another. Realms keep those apart who must not
learn, from how fast an answer begins, what others have asked.
"""

from heapq import heapify, heappop, heappush
from weakref import WeakValueDictionary


class Node:
    __slots__ = ("__weakref__", "children", "key", "page", "parent", "rested_at", "resting")

    def __init__(self, parent: "Node | None", key: bytes, page: int) -> None:
        self.parent = parent
        self.key = key
        """The page's tokens, int32 little-endian."""
        self.page = page
        self.children: dict[bytes, Node] = {}
        self.resting = False
        self.rested_at = 0


class ContentIndex:
    def __init__(self, pages_total: int) -> None:
        self._roots: WeakValueDictionary[str, Node] = WeakValueDictionary()
        """By realm; a tree without pages that no lineage refers to is gone."""
        self.resting = 0
        """Pages that are kept only because they may be asked for again."""
        self._nodes: list[Node | None] = [None] * pages_total
        self._leaves: list[tuple[int, int]] = []
        self._time = 0

    def root(self, realm: str) -> Node:
        """Where the sequences of a realm begin."""
        root = self._roots.get(realm)
        if root is None:
            root = self._roots[realm] = Node(None, b"", -1)
        return root

    def __contains__(self, page: int) -> bool:
        return self._nodes[page] is not None

    def __len__(self) -> int:
        return sum(node is not None for node in self._nodes)

    def insert(self, parent: Node, key: bytes, page: int) -> Node:
        """Enters a full page that somebody refers to. The caller has looked whether `parent` has a child of that key."""
        assert key not in parent.children and self._nodes[page] is None, "a page is indexed once"
        node = parent.children[key] = self._nodes[page] = Node(parent, key, page)
        return node

    def rest(self, page: int) -> None:
        """Nobody refers to this page any more."""
        node = self._nodes[page]
        assert node is not None and not node.resting, "only an indexed page comes to rest, once"
        self._time += 1
        node.resting, node.rested_at = True, self._time
        self.resting += 1
        if not node.children:
            self._offer(node)

    def wake(self, page: int) -> None:
        """Somebody refers to a resting page again."""
        node = self._nodes[page]
        assert node is not None and node.resting, "only a resting page wakes"
        node.resting = False
        self.resting -= 1

    def evict(self) -> int | None:
        """Forgets the resting page that was used longest ago and has no known page after it; None if nothing rests."""
        while self._leaves:
            rested_at, page = heappop(self._leaves)
            node = self._nodes[page]
            if node is not None and _evictable(node, rested_at):
                self._remove(node)
                return page
        assert self.resting == 0, "below a resting page all pages rest, so there is a leaf"
        return None

    def clear(self) -> None:
        """Forgets everything; no page may rest or be referred to as indexed afterwards."""
        self._roots.clear()
        self._nodes = [None] * len(self._nodes)
        self._leaves.clear()
        self.resting = 0

    def check(self) -> None:
        """Raises AssertionError if an invariant is broken."""
        seen = 0
        stack = list(self._roots.values())
        while stack:
            node = stack.pop()
            for key, child in node.children.items():
                assert child.key == key and child.parent is node and self._nodes[child.page] is child, "tree and table agree"
                assert child.resting or not node.resting, "below a resting page all pages rest"
                seen += 1
                stack.append(child)
        assert seen == len(self), "every indexed page hangs in the tree"
        assert self.resting == sum(node is not None and node.resting for node in self._nodes), "resting pages are counted"

    def _remove(self, node: Node) -> None:
        parent = node.parent
        assert parent is not None
        del parent.children[node.key]
        self._nodes[node.page] = None
        self.resting -= 1
        if parent.resting and not parent.children:
            self._offer(parent)

    def _offer(self, node: Node) -> None:
        heappush(self._leaves, (node.rested_at, node.page))
        if len(self._leaves) > 4 * len(self._nodes) + 64:
            self._leaves = [entry for entry in self._leaves if self._current(entry)]
            heapify(self._leaves)

    def _current(self, entry: tuple[int, int]) -> bool:
        node = self._nodes[entry[1]]
        return node is not None and _evictable(node, entry[0])


def _evictable(node: Node, rested_at: int) -> bool:
    return node.resting and node.rested_at == rested_at and not node.children
