"""Demand forecasts with predictive distributions."""
