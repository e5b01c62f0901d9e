"""Trends: items whose sales rise or fall beyond season and noise."""
