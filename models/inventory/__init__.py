"""When to order and how much, from a forecast of demand."""
