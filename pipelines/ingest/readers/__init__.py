"""Foreign files become records of the Segment event format."""
