"""Events that arrive over HTTP: validated, committed, followed."""
