"""Compiled loops and data structures for fast serving."""
