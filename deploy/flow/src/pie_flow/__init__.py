"""What flows through a graph and how containers speak: types, values, literals, transformations, messages. Pure: no I/O."""
