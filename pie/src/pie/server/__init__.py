"""`pie serve` as an object: the composition root of the server."""
