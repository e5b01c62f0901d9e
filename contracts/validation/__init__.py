"""Rules of untrusted input."""
