"""What is true of this customer or item? Scored in batch; the result is columns of a table."""
