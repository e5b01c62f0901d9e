"""Customer predictions against published figures: `python -m benchmarks.customers`."""
