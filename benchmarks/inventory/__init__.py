"""Order policies on past demand: `python -m benchmarks.inventory`."""
