"""Features and purchase histories of customers."""
