"""Candidate sources: each proposes items for a user, cheaply."""
