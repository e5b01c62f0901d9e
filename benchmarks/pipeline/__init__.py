"""Speed, memory and answers of the whole pipeline: `python -m benchmarks.pipeline`."""
