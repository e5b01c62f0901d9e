"""Events from files and the live log into the warehouse."""
