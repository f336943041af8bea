"""A lineage: tokens, and the pages that hold the KV of a first part of them.

    tokens   t0 t1 t2 … … … … … … … … … … …        everything known, also what is only being computed
             ├───────── length ──────┤             what the context has, as its owner sees it
             ├─── computed ──────┤                 whose KV is there (settled batches only)
             ├ indexed pages ┤                     full pages that are in the index by content
    pages    [p0][p1][p2]…[pn]                     enough for `computed`, and for what has been reserved

Keeping the tokens makes pages a cache: an evicted lineage (no pages, `computed` 0) is computed again when it is next used, from
what the index still has. That works for ordinary lineages only. A token computed under a mask or at a position of its owner's
choice (`custom_from` on) has KV that its tokens do not determine, so it is neither indexed nor ever dropped while it is needed.
"""

from __future__ import annotations  # array.array takes no parameters at run time before Python 3.12

from array import array

from pie.kv.index import Node


class Lineage:
    """Changed by `pie.kv.cache.KvCache` alone, but for `tokens` beyond `length`, which belong to whoever is computing them."""

    __slots__ = (
        "computed", "custom_from", "indexed", "length", "lost", "node", "pages", "realm", "released", "resident_at", "tokens",
        "used_at",
    )  # fmt: skip

    def __init__(self, realm: str, root: Node) -> None:
        self.realm = realm
        """Among whose lineages its pages are shared; `root` is where the index of that realm begins."""
        self.tokens: array[int] = array("i")
        self.pages: array[int] = array("i")
        self.length = 0
        self.computed = 0
        self.indexed = 0
        self.node = root
        """The index's node of the last indexed page; the root if there is none."""
        self.custom_from: int | None = None
        self.lost = False
        """Its KV is gone and cannot be computed again."""
        self.released = False
        self.used_at = 0.0
        """When it was last given up by a work; seconds on the scheduler's clock."""
        self.resident_at = 0.0
        """Since when it has had pages."""

    @property
    def recomputable(self) -> bool:
        return self.custom_from is None
