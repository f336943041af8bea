"""Keys and values: pages, which are the truth, and lanes, which are what a decode step reads."""
