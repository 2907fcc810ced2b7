"""Operators and panels: thin."""
