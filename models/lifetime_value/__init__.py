"""Orders and spend to be expected of a customer, with intervals."""
