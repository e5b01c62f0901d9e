"""The demo: a simulated store, from events to answers."""
