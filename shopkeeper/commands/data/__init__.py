"""Commands that bring data into the store."""
