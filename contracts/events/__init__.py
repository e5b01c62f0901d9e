"""The event format: wire fields, checks and repairs, and the rows that are stored."""
