"""Erasure in the running service: who must not be seen, and the command that erases."""
