"""What an operator may choose, and where Pie keeps its files. Nothing else reads the environment."""
