"""Compiled loops and data structures that serving speed rests on."""
