"""What is known about a model without running it: where its files are, its vocabulary, how conversations are written for it."""
