"""What happened a moment ago: the sessions under way."""
