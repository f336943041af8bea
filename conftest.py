"""Loads the real `pie` package before pytest names the test modules below `pie/tests` after their folders."""

import pie

__all__ = ["pie"]
