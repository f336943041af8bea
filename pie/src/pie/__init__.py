"""Pie: a programmable LLM serving system. The engine."""
