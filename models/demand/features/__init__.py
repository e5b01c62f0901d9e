"""Features of one series at one time."""
