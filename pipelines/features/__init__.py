"""Features: functions of the events before a cut-off, `(events, as_of) -> table`."""
