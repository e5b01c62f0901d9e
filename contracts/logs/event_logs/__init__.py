"""Implementations of the event log, by the scheme of its URL."""
