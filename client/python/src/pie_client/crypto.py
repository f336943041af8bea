"""The name of `keys` in Pie 0.4."""

from pie_client.keys import ParsedPrivateKey

__all__ = ["ParsedPrivateKey"]
