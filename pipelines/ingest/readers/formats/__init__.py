"""Formats of exports that are recognised by their beginning and need no mapping."""
