"""Training examples, time splits, fitting and evaluation."""
