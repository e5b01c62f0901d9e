"""Demand forecasts against other methods: `python -m benchmarks.demand`."""
