"""Demand forecasts of items, and of the levels above them: categories, channels, the store."""
