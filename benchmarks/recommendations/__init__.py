"""What the recommendation benchmarks share."""
