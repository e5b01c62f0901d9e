"""The next-purchase family."""
