"""Programs: from a name, a file or a folder to a component and its manifest."""
