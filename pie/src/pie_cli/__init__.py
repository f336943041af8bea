"""The `pie` command line: one module per verb."""
