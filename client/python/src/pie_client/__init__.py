"""Python client of Pie."""
