"""The KV cache as pure bookkeeping: pages, lineages, the index by content, saved lineages. No I/O, no clock."""
