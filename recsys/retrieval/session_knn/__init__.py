"""Candidates from sessions like the present one, and from item-to-item transitions."""
