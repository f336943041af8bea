"""Builds inferlets: from source to a WebAssembly component."""

from bakery.build import Artifact, build
from bakery.create import create
from bakery.errors import BakeryError, BuildError, ProjectError, SourceError, ToolchainError

__all__ = ["Artifact", "BakeryError", "BuildError", "ProjectError", "SourceError", "ToolchainError", "build", "create"]
