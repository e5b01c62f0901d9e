"""Readers: files and logs become records of the Segment event format."""
