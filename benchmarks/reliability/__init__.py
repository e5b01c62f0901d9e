"""What is promised of events, measured: `python -m benchmarks.reliability`."""
