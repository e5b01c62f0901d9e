"""Candidates that other users chose together with the seed items."""
