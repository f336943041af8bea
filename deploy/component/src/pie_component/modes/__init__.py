"""When a vertex has work, and what it does with it: one module for each way in which a function takes its messages."""
