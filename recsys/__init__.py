"""What should this shopper see now? Scored live, from arrays."""
