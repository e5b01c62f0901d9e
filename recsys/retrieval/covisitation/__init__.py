"""Items that other customers chose together with the user's items."""
