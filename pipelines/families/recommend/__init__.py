"""The recommend family."""
