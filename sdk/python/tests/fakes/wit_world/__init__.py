"""The generated bindings, in front of a scripted engine."""
