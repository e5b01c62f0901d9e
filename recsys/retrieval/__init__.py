"""Candidate sources: each proposes items for a shopper, cheaply."""
