"""The probability that a customer does not come back within the horizon, and why."""
