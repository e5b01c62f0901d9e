"""What crosses a boundary: events, column names, the event log, the bundle, settings and errors."""
