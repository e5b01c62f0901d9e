"""Demand forecasts of items and of the levels of the hierarchy."""
